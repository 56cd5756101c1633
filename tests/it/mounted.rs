//! A file system that is mounted for a test, which only root can do.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// Mounted as long as the value lives.
#[derive(Debug)]
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    /// None where it can't be mounted, which is said.
    pub(crate) fn mount(kind: &str, path: &Path, options: &str) -> Option<Self> {
        let options = CString::new(options).expect("no NUL in a path");
        match mount(kind, path, kind, MountFlags::empty(), Some(options.as_c_str())) {
            Ok(()) => Some(Self(path.to_owned())),
            Err(error) => {
                println!("skipped: {kind} can't be mounted here: {error}");
                None
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}
