-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: disk-overwritten
-- title: Disk or file system overwritten
-- severity: critical
-- techniques: T1485 T1561
-- tactics: impact
-- description: A program was told to overwrite a disk, or to remove what the system consists of.
-- benign: preparation of new disks.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('dd', 'shred', 'mkfs', 'mkfs.ext4', 'mkfs.xfs', 'wipefs', 'blkdiscard',
                          'hdparm', 'rm')
  AND ((basename(e.exe) = 'dd' AND e.argv REGEXP '"of=/dev/(sd|vd|nvme|hd|xvd|mmcblk|mapper/)')
       OR (basename(e.exe) IN ('shred', 'wipefs', 'blkdiscard')
           AND e.argv REGEXP '"/dev/(sd|vd|nvme|hd|xvd|mmcblk)')
       OR (basename(e.exe) = 'rm' AND e.argv REGEXP '"-[a-zA-Z]*[rR]'
           AND e.argv REGEXP '"(/|/\*|/etc/?|/usr/?|/home/?|/var/?|/boot/?)"'))
