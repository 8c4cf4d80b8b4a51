//! Checks who may write files that are run as code: only root and the user who runs them.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use thiserror::Error;

const ROOT: u32 = 0;
const OTHERS_WRITE: u32 = 0o022;
/// In a folder with this bit nobody can rename or remove another user's files.
const STICKY: u32 = 0o1000;
/// Linux follows as many links.
const LINKS_MAX: usize = 40;

#[derive(Debug, Error)]
pub enum OwnershipError {
    #[error("cannot look at {}: {source}", path.display())]
    Look { path: PathBuf, source: std::io::Error },
    #[error(
        "{} belongs to user {owner}, who is neither root nor the one who runs this ({user}): give it to that user with chown, or take another place",
        path.display()
    )]
    Owner { path: PathBuf, owner: u32, user: u32 },
    #[error(
        "{0} can be written by others (its mode is {mode:04o}): take that right away with chmod go-w {0}, or take another place",
        path.display()
    )]
    Mode { path: PathBuf, mode: u32 },
    #[error("{} is {found} where {expected} is expected", path.display())]
    Kind { path: PathBuf, found: &'static str, expected: &'static str },
}

impl OwnershipError {
    /// Whether the place is simply not there.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Look { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }
}

/// The folder that `path` leads to, without links, if none but root and the user who runs this can put anything there or
/// lead the way elsewhere: every folder and link on the way is looked at.
pub fn folder(path: &Path) -> Result<PathBuf, OwnershipError> {
    let failed = |path: &Path, source| OwnershipError::Look { path: path.into(), source };
    let whole = std::path::absolute(path).map_err(|error| failed(path, error))?;
    let (mut at, mut links) = (PathBuf::from("/"), 0);
    let mut way = parts(&whole);
    check(&at, &look(&at)?, !way.is_empty())?;
    while let Some(part) = way.pop_front() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let found = look(&next)?;
        if found.is_symlink() {
            links += 1;
            check_owner(&next, &found)?;
            let target = std::fs::read_link(&next).map_err(|error| failed(&next, error))?;
            if links > LINKS_MAX {
                return Err(failed(path, std::io::Error::other("its links lead in a circle")));
            }
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            for part in parts(&target).into_iter().rev() {
                way.push_front(part);
            }
            continue;
        }
        if !found.is_dir() {
            return Err(OwnershipError::Kind { path: next, found: "no folder", expected: "a folder" });
        }
        check(&next, &found, !way.is_empty())?;
        at = next;
    }
    // A link to a folder above, which was let through as one on the way.
    check(&at, &look(&at)?, false)?;
    Ok(at)
}

/// Refuses an opened file that is no ordinary one, or that others may write. `path` is for messages.
pub fn file(file: &File, path: &Path) -> Result<(), OwnershipError> {
    let found = file.metadata().map_err(|source| OwnershipError::Look { path: path.into(), source })?;
    if !found.is_file() {
        return Err(OwnershipError::Kind { path: path.into(), found: "something else", expected: "an ordinary file" });
    }
    check(path, &found, false)
}

/// The names of a path, `..` included.
fn parts(path: &Path) -> VecDeque<OsString> {
    let named = |part: Component| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    };
    path.components().filter_map(named).collect()
}

fn look(path: &Path) -> Result<Metadata, OwnershipError> {
    std::fs::symlink_metadata(path).map_err(|source| OwnershipError::Look { path: path.into(), source })
}

fn check(path: &Path, found: &Metadata, is_on_the_way: bool) -> Result<(), OwnershipError> {
    check_owner(path, found)?;
    if is_on_the_way && found.permissions().mode() & STICKY != 0 { Ok(()) } else { check_mode(path, found) }
}

/// Refuses what others than its owner may write.
pub fn check_mode(path: &Path, found: &Metadata) -> Result<(), OwnershipError> {
    let mode = found.permissions().mode() & 0o7777;
    // An access list that lets others write shows in the group's bits.
    if mode & OTHERS_WRITE != 0 {
        return Err(OwnershipError::Mode { path: path.into(), mode });
    }
    Ok(())
}

fn check_owner(path: &Path, found: &Metadata) -> Result<(), OwnershipError> {
    let user = rustix::process::geteuid().as_raw();
    match found.uid() {
        ROOT => Ok(()),
        owner if owner == user => Ok(()),
        owner => Err(OwnershipError::Owner { path: path.into(), owner, user }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// `a/b/c` in a folder that is ours alone.
    fn folders() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b/c");
        std::fs::create_dir_all(&path).unwrap();
        for path in path.ancestors().take(3) {
            chmod(path, 0o755);
        }
        (root, path)
    }

    fn refused(path: &Path) -> String {
        folder(path).expect_err("it was taken").to_string()
    }

    #[test]
    fn a_folder_that_others_may_write_is_refused_by_name() {
        let (_root, path) = folders();
        assert_eq!(folder(&path).unwrap(), std::fs::canonicalize(&path).unwrap());
        for mode in [0o775, 0o757, 0o777, 0o770, 0o1777] {
            chmod(&path, mode);
            let message = refused(&path);
            assert!(message.contains("a/b/c can be written by others") && message.contains("chmod go-w"), "{message}");
            assert!(message.contains(&format!("{mode:04o}")), "{message}");
        }
        chmod(&path, 0o700);
        folder(&path).unwrap();
    }

    #[test]
    fn a_folder_above_that_others_may_write_is_refused_unless_it_is_sticky() {
        let (_root, path) = folders();
        let above = path.parent().unwrap();
        for mode in [0o775, 0o777] {
            chmod(above, mode);
            assert!(refused(&path).contains("a/b can be written by others"));
        }
        chmod(above, 0o1777);
        folder(&path).unwrap();
        // A way back to it.
        assert!(refused(&path.join("..")).contains("a/b can be written"));
    }

    #[test]
    fn a_link_is_as_safe_as_its_own_folder_and_the_one_that_it_leads_to() {
        let (root, path) = folders();
        let link = root.path().join("link");
        symlink(&path, &link).unwrap();
        assert_eq!(folder(&link).unwrap(), std::fs::canonicalize(&path).unwrap());
        chmod(&path, 0o777);
        assert!(refused(&link).contains("a/b/c can be written"));
        chmod(&path, 0o755);
        // Whoever may write where the link is may lead it elsewhere; so for a link on the way of a link.
        let open = root.path().join("open");
        std::fs::create_dir(&open).unwrap();
        symlink("../a/b", open.join("inner")).unwrap();
        let outer = root.path().join("outer");
        symlink("open/inner/c", &outer).unwrap();
        chmod(&open, 0o755);
        folder(&outer).unwrap();
        chmod(&open, 0o777);
        for path in [open.join("inner/c"), outer] {
            assert!(refused(&path).contains("open can be written"), "{}", path.display());
        }
        symlink("circle", root.path().join("circle")).unwrap();
        assert!(refused(&root.path().join("circle")).contains("circle"));
    }

    #[test]
    fn what_is_no_folder_or_not_there_is_told() {
        let (root, path) = folders();
        let file_path = root.path().join("file");
        std::fs::write(&file_path, "x").unwrap();
        assert!(refused(&file_path).contains("file is no folder"));
        assert!(folder(&path.join("none/more")).unwrap_err().is_absent());
        chmod(&file_path, 0o644);
        file(&File::open(&file_path).unwrap(), &file_path).unwrap();
        chmod(&file_path, 0o666);
        assert!(file(&File::open(&file_path).unwrap(), &file_path).unwrap_err().to_string().contains("by others"));
        assert!(file(&File::open(&path).unwrap(), &path).unwrap_err().to_string().contains("ordinary file"));
    }

    #[test]
    fn what_belongs_to_another_user_is_refused() {
        let (root, path) = folders();
        // Only root may give something away.
        if !rustix::process::geteuid().is_root() {
            return;
        }
        std::os::unix::fs::lchown(&path, Some(12345), None).unwrap();
        assert!(refused(&path).contains("a/b/c belongs to user 12345"));
        std::os::unix::fs::lchown(&path, Some(0), None).unwrap();
        let link = root.path().join("link");
        symlink(&path, &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(12345), None).unwrap();
        assert!(refused(&link).contains("link belongs to user 12345"));
    }
}
