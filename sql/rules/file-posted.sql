-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: file-posted
-- title: File sent to a server by its name
-- severity: low
-- techniques: T1048 T1567
-- tactics: exfiltration
-- description: curl or wget was told to send a local file.
-- benign: uploads by scripts.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('curl', 'wget')
  AND e.argv REGEXP '"(-T|--upload-file|-F|--form|--data-binary|-d|--data|--post-file)(=[^"]*)?"'
      AND e.argv REGEXP '"(-T|--upload-file)"|@/|--post-file'
