-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: container-mounts-device
-- title: Container mounts a disk of the host
-- severity: critical
-- techniques: T1611
-- tactics: privilege-escalation
-- description: A process in a container mounted a block device, a cgroup hierarchy or the host's
--   own file systems.
-- benign: containers that manage storage.
SELECT v.process_id, v.new AS detail, v.at AS at
FROM new_privileges AS v
JOIN processes AS p ON p.id = v.process_id
WHERE v.kind = 'mount'
    AND EXISTS (SELECT 1 FROM containers WHERE container_id = p.container_id AND runtime <> 'systemd')
  AND (json_extract(v.new, '$.source') REGEXP '^/dev/(sd|vd|nvme|xvd|hd|dm-|mapper/)'
       OR json_extract(v.new, '$.type') IN ('cgroup', 'ext4', 'xfs', 'btrfs', 'debugfs'))
  AND basename(p.exe) NOT IN ('runc', 'crun', 'conmon', 'containerd-shim', 'systemd')
