//! Globs to paths: what is there now. It knows nothing of what is being read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use crate::input::FilesSpec;

/// The globs of an input, ready to look.
#[derive(Debug)]
pub(super) struct Globs {
    globs: Vec<Glob>,
    exclude: globset::GlobSet,
    /// Folders behind links are looked into as well; where links may not lead out, they are not.
    follow_symlinks: bool,
}

#[derive(Debug)]
struct Glob {
    text: String,
    first_use: FirstUse,
    base: PathBuf,
    /// `None`: a path to the letter.
    matcher: Option<GlobMatcher>,
    /// How many folders below `base` can matter.
    depth_max: usize,
}

/// Whether a glob was looked for before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FirstUse {
    /// It was: what it names now has appeared since, or is known.
    Past,
    /// It was not: what it names was there before.
    Now,
}

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Each path, and whether all globs that name it are used for the first time.
    pub(super) paths: BTreeMap<PathBuf, FirstUse>,
    /// The directories that a path must lie in, links resolved; `None`: wherever a link leads.
    pub(super) homes: Option<Vec<PathBuf>>,
    /// The directories that were looked into: those to watch.
    pub(super) directories: BTreeSet<PathBuf>,
    /// Globs that name nothing yet.
    pub(super) empty: Vec<String>,
    /// Some path is a link.
    pub(super) links: bool,
}

impl Globs {
    pub(super) fn new(spec: &FilesSpec) -> Result<Self, globset::Error> {
        let globs = spec.globs.iter().map(|text| Glob::new(text)).collect::<Result<_, _>>()?;
        Ok(Self { globs, exclude: spec.exclude.clone(), follow_symlinks: spec.follow_symlinks })
    }

    /// The globs that were used before this start.
    pub(super) fn used_before(&mut self, texts: &[String]) {
        for glob in self.globs.iter_mut().filter(|glob| texts.contains(&glob.text)) {
            glob.first_use = FirstUse::Past;
        }
    }

    /// From now on all are; returns those that were not.
    pub(super) fn use_all(&mut self) -> Vec<String> {
        let fresh = self.globs.iter_mut().filter(|glob| glob.first_use == FirstUse::Now);
        fresh
            .map(|glob| {
                glob.first_use = FirstUse::Past;
                glob.text.clone()
            })
            .collect()
    }

    /// All of them.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.globs.iter().map(|glob| &*glob.text).collect()
    }

    /// Those that were used.
    pub(super) fn used(&self) -> Vec<String> {
        let used = self.globs.iter().filter(|glob| glob.first_use == FirstUse::Past);
        used.map(|glob| glob.text.clone()).collect()
    }

    /// Whether a path is left out.
    pub(super) fn exclude(&self, path: &Path) -> bool {
        self.exclude.is_match(path)
    }

    /// Whether the globs name a path, as far as names go.
    pub(super) fn name(&self, path: &Path) -> Option<FirstUse> {
        let naming = self.globs.iter().filter(|glob| match &glob.matcher {
            Some(matcher) => matcher.is_match(path),
            None => path == Path::new(&glob.text),
        });
        naming.map(|glob| glob.first_use).min().filter(|_| !self.exclude(path))
    }

    pub(super) fn look(&self) -> Found {
        let mut found = Found::default();
        if !self.follow_symlinks {
            found.homes = Some(self.globs.iter().filter_map(|glob| glob.base.canonicalize().ok()).collect());
        }
        for glob in &self.globs {
            if !glob.look(self, &mut found) {
                found.empty.push(glob.text.clone());
            }
        }
        found
    }
}

impl Found {
    fn add(&mut self, path: PathBuf, first_use: FirstUse) {
        let known = self.paths.entry(path).or_insert(first_use);
        *known = first_use.min(*known);
    }
}

impl Glob {
    fn new(text: &str) -> Result<Self, globset::Error> {
        let base = FilesSpec::base(text);
        let literal = !text.contains(['*', '?', '[', '{', '\\']);
        let matcher = GlobBuilder::new(text).literal_separator(true).build()?.compile_matcher();
        let below = text[base.as_os_str().len()..].matches('/').count();
        let depth_max = if text.contains("**") { usize::MAX } else { below.max(1) };
        Ok(Self {
            text: text.to_owned(),
            first_use: FirstUse::Now,
            base,
            matcher: (!literal).then_some(matcher),
            depth_max,
        })
    }

    /// Adds what it names to `found`; returns whether it names anything, new or not.
    fn look(&self, Globs { exclude, follow_symlinks, .. }: &Globs, found: &mut Found) -> bool {
        found.directories.insert(self.base.clone());
        let Some(matcher) = &self.matcher else {
            let path = Path::new(&self.text);
            // A link that leads nowhere names nothing yet.
            let link = path.symlink_metadata().map(|it| it.is_symlink());
            let there = !exclude.is_match(path) && (path.metadata().is_ok() || matches!(link, Ok(false)));
            if there {
                found.links |= matches!(link, Ok(true));
                found.add(path.to_owned(), self.first_use);
            }
            return there;
        };
        let mut any = false;
        // What can't be read now is looked at again next time.
        let walk = WalkDir::new(&self.base).follow_links(*follow_symlinks);
        for entry in walk.min_depth(1).max_depth(self.depth_max).into_iter().flatten() {
            if entry.file_type().is_dir() && entry.depth() < self.depth_max {
                found.directories.insert(entry.path().to_owned());
            }
            if matcher.is_match(entry.path()) && !exclude.is_match(entry.path()) && !dangling(&entry) {
                any = true;
                found.links |= entry.path_is_symlink();
                found.add(entry.into_path(), self.first_use);
            }
        }
        any
    }
}

fn dangling(entry: &walkdir::DirEntry) -> bool {
    entry.path_is_symlink() && entry.path().metadata().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use globset::GlobSet;
    use std::fs;
    use std::time::Duration;

    fn look(root: &Path, globs: &[&str], exclude: &[&str]) -> Vec<String> {
        let mut set = globset::GlobSetBuilder::new();
        for glob in exclude {
            set.add(globset::Glob::new(glob).unwrap());
        }
        let spec = FilesSpec {
            globs: globs.iter().map(|glob| format!("{}/{glob}", root.display())).collect(),
            exclude: if exclude.is_empty() { GlobSet::empty() } else { set.build().unwrap() },
            start: crate::input::Start::End,
            poll: Duration::from_secs(1),
            follow_symlinks: false,
        };
        let found = Globs::new(&spec).unwrap().look();
        found.paths.keys().map(|path| path.strip_prefix(root).unwrap().display().to_string()).collect()
    }

    #[test]
    fn globs_name_what_a_shell_would() {
        let root = tempfile::tempdir().unwrap();
        let touch = |name: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        ["a.log", "b.log", "b.log.gz", "c.txt", "sub/d.log", "sub/deep/e.log", "f[1].log"]
            .into_iter()
            .for_each(touch);
        assert_eq!(look(root.path(), &["*.log"], &[]), ["a.log", "b.log", "f[1].log"]);
        assert_eq!(look(root.path(), &["{a,c}.*"], &[]), ["a.log", "c.txt"]);
        assert_eq!(
            look(root.path(), &["**/*.log"], &[]),
            ["a.log", "b.log", "f[1].log", "sub/d.log", "sub/deep/e.log"]
        );
        assert_eq!(look(root.path(), &["*/*.log"], &[]), ["sub/d.log"]);
        assert_eq!(look(root.path(), &["[ab].log*"], &["*.gz"]), ["a.log", "b.log"]);
        assert_eq!(look(root.path(), &["a.log", "?.log", "missing.log"], &[]), ["a.log", "b.log"]);
    }
}
