//! The writers: they append, rename, truncate, copy, delete, link and replace.

use std::path::{Path, PathBuf};

use super::super::world::{Name, TICK_NANOS};
use super::{File, Line, Play};

/// A writer goes on with a renamed or deleted file for so long: the reader lingers longer.
const LATE: i64 = 10_000_000_000;

impl Play {
    fn any(&mut self, which: impl Fn(&str) -> bool) -> Option<(PathBuf, u64)> {
        let world = self.world.borrow();
        let all: Vec<(PathBuf, u64)> = world
            .names
            .iter()
            .filter_map(|(path, name)| match name {
                Name::File(inode) if which(&path.to_string_lossy()) => Some((path.clone(), *inode)),
                _ => None,
            })
            .collect();
        drop(world);
        self.random.choice(all)
    }

    pub(super) fn serial(&self, inode: u64) -> u64 {
        self.world.borrow().files[&inode].serial
    }

    fn create(&mut self, path: &str) -> u64 {
        self.serials += 1;
        let serial = self.serials;
        let inode = self.new_file(path, serial);
        self.note(format!("create {path} as {inode}, {serial}"));
        // Many logs begin alike.
        let banners: [&[u8]; 3] =
            [b"", b"#a banner\n", b"#a banner that all of these logs begin with, \n#of two lines\n"];
        let banner = banners[self.random.usize(..3)];
        self.write(inode, banner);
        inode
    }

    fn new_file(&mut self, path: &str, serial: u64) -> u64 {
        let mut world = self.world.borrow_mut();
        let inode = world.create(path, serial);
        let born = world.files[&inode].born;
        // With the number and the birth of another one, it is that one truncated.
        let reborn = self.files.values().any(|file| file.inode == inode && file.born == born);
        let truncated = reborn.then_some(None);
        self.files.insert(serial, File { inode, born, truncated, ..File::default() });
        inode
    }

    fn write(&mut self, inode: u64, bytes: &[u8]) {
        self.world.borrow_mut().change(inode, |content| content.extend_from_slice(bytes));
    }

    fn append_to(&mut self, inode: u64) {
        let serial = self.serial(inode);
        for _ in 0..self.random.usize(1..6) {
            let mut rest = self.rests.remove(&serial).unwrap_or_default();
            if rest.is_empty() {
                let padding = [0, 5, 30, 150, 300][self.random.usize(..5)];
                let number = self.lines.len();
                // No two places of a file look alike: what is read again is known by what lies before it.
                let padding: String = format!(".{number}").chars().cycle().take(padding).collect();
                rest = format!("L{number:07}{padding}\n").into_bytes();
                self.lines.push(Line::default());
                self.note(format!("line {} in {inode}", self.lines.len() - 1));
            }
            // Its number is there from the beginning: what is handed on of it tells which one it is.
            let least = if rest[0] == b'L' { 8 } else { 0 };
            let in_pieces = self.random.u8(..6) == 0;
            let length = if in_pieces { self.random.usize(least..rest.len()) } else { rest.len() };
            let piece: Vec<u8> = rest.drain(..length).collect();
            self.write(inode, &piece);
            if !rest.is_empty() {
                self.rests.insert(serial, rest);
                break;
            }
        }
    }

    pub(super) fn append(&mut self) {
        let inode = match self.any(|path| path.ends_with(".log")) {
            Some((_, inode)) if self.random.u8(..12) > 0 => inode,
            _ => {
                let path = format!("/l/{}.log", ["a", "b", "c"][self.random.usize(..3)]);
                if self.world.borrow().names.contains_key(Path::new(&path)) {
                    return;
                }
                self.create(&path)
            }
        };
        self.append_to(inode);
        let size = self.world.borrow().files[&inode].bytes.len();
        self.note(format!("append to {inode}: {size} bytes"));
    }

    /// By renaming, with all older ones, to names within the globs or outside.
    pub(super) fn rotate(&mut self) {
        let Some((path, inode)) = self.any(|path| path.ends_with(".log")) else { return };
        let inside = path.to_string_lossy() != "/l/c.log";
        let base = format!("{}{}", path.display(), if inside { ".in" } else { "" });
        self.note(format!("rotate {}", path.display()));
        let now = self.world.borrow().now;
        for n in (1..4).rev() {
            let (from, to) =
                (PathBuf::from(format!("{base}.{n}")), PathBuf::from(format!("{base}.{}", n + 1)));
            if self.world.borrow().names.contains_key(&from) {
                self.forget_name(&to);
                self.world.borrow_mut().rename(&from, &to);
            }
        }
        self.world.borrow_mut().rename(&path, Path::new(&format!("{base}.1")));
        let serial = self.serial(inode);
        if let Some(file) = self.files.get_mut(&serial) {
            file.rotated = Some(now);
        }
        if self.random.u8(..4) > 0 {
            let inode = self.create(&path.to_string_lossy());
            self.append_to(inode);
        }
    }

    /// What the last name of a file is taken from.
    fn forget_name(&mut self, path: &Path) {
        self.world.borrow_mut().unlink(path);
    }

    pub(super) fn truncate(&mut self) {
        let Some((path, inode)) = self.any(|path| path.ends_with(".log")) else { return };
        let size = self.world.borrow().files[&inode].bytes.len();
        let to = if self.random.u8(..3) == 0 { self.random.usize(..=size) } else { 0 };
        if to > 0 {
            self.may_repeat(inode, true);
        }
        self.cut(inode, to);
        self.note(format!("truncate {} ({inode}) to {to}", path.display()));
        if self.random.bool() {
            self.append_to(inode);
        }
    }

    /// Cuts a file short; a writer that has no `O_APPEND` leaves a hole.
    fn cut(&mut self, inode: u64, to: usize) {
        let serial = self.serial(inode);
        let size = self.world.borrow().files[&inode].bytes.len();
        let hole = to == 0 && size > 0 && self.random.u8(..4) == 0;
        let rest = self.rests.remove(&serial);
        // A file that has the size and the time of before looks unchanged.
        self.pass(TICK_NANOS);
        self.world.borrow_mut().change(inode, |content| content.truncate(to));
        if hole {
            self.world.borrow_mut().change(inode, |content| content.resize(size, 0));
            self.append_to(inode);
        } else if to > 0 && rest.is_some() {
            // What is written next begins a line of its own.
            self.write(inode, b"\n");
        } else if to > 0 {
            let whole = self.world.borrow().files[&inode].bytes.last() == Some(&b'\n');
            if !whole {
                self.write(inode, b"\n");
            }
        }
        if let Some(file) = self.files.get_mut(&serial) {
            (file.truncated, file.found) = (Some(None), false);
            file.polled = file.polled.min(to);
            file.committed = file.committed.min(to);
        }
    }

    pub(super) fn copytruncate(&mut self) {
        let Some((path, inode)) = self.any(|path| path.ends_with(".log")) else { return };
        let copy = format!("{}.in.9", path.display());
        self.forget_name(Path::new(&copy));
        self.may_repeat(inode, false);
        let bytes = self.world.borrow().files[&inode].bytes.clone();
        self.serials += 1;
        let serial = self.serials;
        let new = self.new_file(&copy, serial);
        self.write(new, &bytes);
        self.may_be_taken_for_its_original(new);
        self.note(format!("copy {} ({inode}) to {copy} ({new}, {serial})", path.display()));
        if self.input.is_some() && self.random.u8(..3) == 0 {
            self.poll();
        }
        self.cut(inode, 0);
        self.note(format!("and truncate {inode}"));
        if self.random.bool() {
            self.append_to(inode);
        }
    }

    pub(super) fn delete(&mut self) {
        let Some((path, _)) = self.any(|_| true) else { return };
        self.note(format!("delete {}", path.display()));
        self.forget_name(&path);
        if path.to_string_lossy().ends_with(".log") && self.random.bool() {
            let inode = self.create(&path.to_string_lossy());
            self.append_to(inode);
        }
    }

    /// As an editor or rsync does it: a new file of the same content and more takes the name.
    pub(super) fn replace(&mut self) {
        let Some((path, inode)) = self.any(|path| path.ends_with(".log")) else { return };
        // While the old one has other names it lives on, and both are read.
        let linked = self.world.borrow().files[&inode].links > 1;
        self.may_repeat(inode, linked);
        let bytes = self.world.borrow().files[&inode].bytes.clone();
        let rest = self.rests.get(&self.serial(inode)).cloned();
        self.serials += 1;
        let serial = self.serials;
        let new = self.new_file("/l/.new", serial);
        self.write(new, &bytes);
        self.may_be_taken_for_its_original(new);
        self.rests.extend(rest.map(|rest| (serial, rest)));
        if self.random.bool() {
            self.append_to(new);
        }
        self.note(format!("replace {} ({inode}) by {new}, {serial}", path.display()));
        self.world.borrow_mut().rename(Path::new("/l/.new"), &path);
    }

    pub(super) fn hard_link(&mut self) {
        let Some((path, inode)) = self.any(|path| path.ends_with(".log")) else { return };
        let link = PathBuf::from("/l/h.log.in.1");
        self.forget_name(&link);
        self.note(format!("link {} to {}", path.display(), link.display()));
        let mut world = self.world.borrow_mut();
        if let Some(content) = world.files.get_mut(&inode) {
            content.links += 1;
            world.names.insert(link, Name::File(inode));
        }
    }

    pub(super) fn retarget(&mut self) {
        let target = PathBuf::from(format!("/t/v{}", self.random.u8(..3)));
        self.note(format!("link s.log to {}", target.display()));
        let link = PathBuf::from("/l/s.log");
        let there = self.world.borrow().names.contains_key(&target);
        if !there {
            let inode = self.create(&target.to_string_lossy());
            self.append_to(inode);
        }
        self.world.borrow_mut().names.insert(link, Name::Link(target));
    }

    /// A writer that has not yet been told that its file was rotated.
    pub(super) fn late_write(&mut self) {
        let world = self.world.borrow();
        let late = |file: &File, serial: u64| {
            file.known
                && file.rotated.is_some_and(|at| world.now - at < LATE)
                && world.files.get(&file.inode).is_some_and(|content| content.serial == serial)
        };
        let late: Vec<u64> = self
            .files
            .iter()
            .filter(|(serial, file)| late(file, **serial))
            .map(|(_, file)| file.inode)
            .collect();
        drop(world);
        if let Some(inode) = self.random.choice(late) {
            self.note(format!("late write to {inode}"));
            self.append_to(inode);
        }
    }

    pub(super) fn remount(&mut self) {
        if self.input.is_some() {
            return;
        }
        self.note("remount".into());
        let inodes: Vec<u64> = self.world.borrow().files.keys().copied().collect();
        inodes.into_iter().for_each(|inode| self.may_repeat(inode, false));
        self.world.borrow_mut().device += 1;
    }
}
