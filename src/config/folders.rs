//! What changes before a name leads to another file than before: the folders on the way to it, and in some of them names, of
//! links and of the file itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use crate::input::FilesSpec;

/// As many links as the system follows on one way.
const LINKS_MAX: usize = 40;

/// Which names in a folder matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// All: a glob may find them.
    All,
    /// These; none: only what becomes of the folder itself matters.
    These(BTreeSet<OsString>),
}

/// By their paths, without links.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folders(BTreeMap<PathBuf, Names>);

impl Names {
    /// Whether this one does.
    pub fn has(&self, name: &OsStr) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.contains(name),
        }
    }
}

impl Folders {
    /// Adds those on the way to `path`; returns where that leads.
    pub(super) fn lead_to(&mut self, path: &Path) -> PathBuf {
        let mut ahead: VecDeque<OsString> = VecDeque::new();
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        ahead.extend(absolute.components().map(|part| part.as_os_str().to_owned()));
        let (mut at, mut links) = (PathBuf::from("/"), 0);
        while let Some(part) = ahead.pop_front() {
            match Path::new(&part).components().next() {
                Some(Component::Normal(name)) => {
                    let next = at.join(name);
                    if next.symlink_metadata().is_ok_and(|about| about.is_dir()) {
                        // It is seen to go by itself: above it others come and go all the time.
                        self.names(&next);
                        at = next;
                        continue;
                    }
                    if let Names::These(names) = self.names(&at) {
                        names.insert(name.to_owned());
                    }
                    match next.read_link() {
                        Ok(target) if links < LINKS_MAX => {
                            links += 1;
                            let parts = target.components().map(|part| part.as_os_str().to_owned());
                            parts.rev().for_each(|part| ahead.push_front(part));
                        }
                        // The file, or nothing yet.
                        Ok(_) | Err(_) => at = next,
                    }
                }
                Some(Component::RootDir) => at = PathBuf::from("/"),
                Some(Component::ParentDir) => drop(at.pop()),
                Some(Component::CurDir | Component::Prefix(_)) | None => {}
            }
        }
        at
    }

    /// Adds the folder in which `glob` finds files, and those on the way there. `false`: it may find them in others too.
    pub(super) fn lead_to_glob(&mut self, glob: &str) -> bool {
        let base = FilesSpec::base(glob);
        let folder = self.lead_to(&base);
        self.0.insert(folder, Names::All);
        let Some(rest) = Path::new(glob).strip_prefix(&base).ok() else { return false };
        rest.components().count() <= 1
    }

    fn names(&mut self, folder: &Path) -> &mut Names {
        self.0.entry(folder.to_owned()).or_insert_with(|| Names::These(BTreeSet::new()))
    }
}

impl IntoIterator for Folders {
    type Item = (PathBuf, Names);
    type IntoIter = std::collections::btree_map::IntoIter<PathBuf, Names>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// What is below `root`, as `folder: name name`.
    fn below(root: &Path, folders: &Folders) -> Vec<String> {
        let row = |(folder, names): (&PathBuf, &Names)| {
            let folder = folder.strip_prefix(root).ok()?.display();
            Some(match names {
                Names::All => format!("{folder}: *"),
                Names::These(names) => {
                    let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
                    format!("{folder}: {}", names.join(" "))
                }
            })
        };
        folders.0.iter().filter_map(row).collect()
    }

    #[test]
    fn each_link_on_the_way_may_be_set_anew() {
        let folder = tempfile::tempdir().unwrap();
        let root = &folder.path().canonicalize().unwrap();
        // As Kubernetes mounts a ConfigMap.
        fs::create_dir_all(root.join("etc/..1")).unwrap();
        fs::write(root.join("etc/..1/rules.yaml"), "").unwrap();
        symlink("..1", root.join("etc/..data")).unwrap();
        symlink("..data/rules.yaml", root.join("etc/rules.yaml")).unwrap();
        symlink(root.join("etc"), root.join("current")).unwrap();
        let mut folders = Folders::default();
        let led = folders.lead_to(&root.join("current/./x/../rules.yaml"));
        assert_eq!(led, root.join("etc/..1/rules.yaml"));
        assert_eq!(below(root, &folders), [": current", "etc: ..data rules.yaml x", "etc/..1: rules.yaml"]);
        let above = folders.0.get(root.parent().unwrap());
        assert_eq!(
            above,
            Some(&Names::These(BTreeSet::new())),
            "it may go, and all else there may come and go"
        );
    }

    #[test]
    fn what_is_missing_or_leads_nowhere_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let root = &folder.path().canonicalize().unwrap();
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        let mut folders = Folders::default();
        folders.lead_to(&root.join("a"));
        folders.lead_to(&root.join("no/such/file"));
        let rows = below(root, &folders);
        assert_eq!(rows, [": a b no", "no: such", "no/such: file"]);
    }

    #[test]
    fn a_glob_finds_any_name_in_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = &folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("conf.d")).unwrap();
        let mut folders = Folders::default();
        folders.lead_to(&root.join("conf.d/a.yaml"));
        assert!(folders.lead_to_glob(&root.join("conf.d/*.yaml").display().to_string()));
        folders.lead_to(&root.join("conf.d/b.yaml"));
        assert_eq!(below(root, &folders), [": ", "conf.d: *"]);
        for deeper in ["*/a.yaml", "**/*.yaml", "*/*"] {
            assert!(!folders.lead_to_glob(&root.join(deeper).display().to_string()), "{deeper}");
        }
    }
}
