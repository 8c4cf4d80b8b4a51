//! Checks who else may read a file that holds a secret.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Mode bits that expose a secret: any access of others, and writing by the group. The group, which is that of the
/// service, may read.
const MODE_NOT_ALLOWED: u32 = 0o027;

/// Returns what is wrong with the mode of a file that holds a secret. None for a file that does not exist: reading it
/// fails later.
pub fn exposure(path: &Path) -> Option<String> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & MODE_NOT_ALLOWED != 0).then(|| {
        format!(
            "{0} has the mode {mode:03o}, which gives access to users other than its owner and group: chmod 640 {0}, or 600",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};

    use super::*;

    #[test]
    fn others_may_nothing_and_the_group_may_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        assert_eq!(exposure(&path), None);
        write(&path, "secret").unwrap();
        for (mode, is_exposed) in
            [(0o600, false), (0o640, false), (0o400, false), (0o644, true), (0o660, true), (0o604, true), (0o602, true)]
        {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(exposure(&path).is_some(), is_exposed, "{mode:o}");
        }
    }
}
