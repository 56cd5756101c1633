//! One game: a world, its writers, a reader, and the oracle.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use regex::bytes::Regex;

use crate::event::Origin;
use crate::input::feed::Batch;
use crate::line::join::{Joins, Multiline};
use crate::line::{Ansi, LineSpec};
use crate::rule::Rule;
use crate::store::Record;
use crate::time::Time;

use super::super::input::FilesInput;
use super::super::position::Position;
use super::super::tail::Settled;
use super::world::{ModelDisk, Name, Shared, TICK_NANOS, World};
use super::{Manner, reader, rules};

/// A writer goes on with a renamed or deleted file for so long: the reader lingers longer.
const LATE: i64 = 10_000_000_000;

/// Where lines are joined, two of three belong to the one before them.
const STARTS: &str = "^(?:#|L[0-9]{6}[0369])";

const SECOND: i64 = 1_000_000_000;

/// From so many bytes on, the content alone tells a file.
const TELLING: usize = 1024;

/// What the oracle knows of a line.
#[derive(Debug, Default, Clone)]
struct Line {
    /// It was whole on the disk at a poll.
    seen: bool,
    /// And that was committed: it must be handed on.
    owed: bool,
    /// It waits for the rest of its event: it must be handed on unless there is a crash.
    held: bool,
    may_repeat: bool,
    /// Where it was read, each time.
    given: Vec<String>,
}

/// A file as its writer knows it.
#[derive(Debug, Default, Clone)]
struct File {
    inode: u64,
    born: i64,
    /// Bytes that were there at the last poll, and at the last that is committed.
    polled: usize,
    committed: usize,
    /// It was named by a glob at a committed poll.
    known: bool,
    /// When it lost its name.
    rotated: Option<i64>,
    /// The first poll after it was truncated.
    truncated: Option<Option<i64>>,
    /// That was found since the last commit: a crash brings the doubt back.
    found: bool,
}

pub(super) struct Play {
    seed: u64,
    /// So many read.
    threads: usize,
    random: fastrand::Rng,
    /// After how many batches it crashes: apart, so that a seed's game stays the same.
    tears: fastrand::Rng,
    world: Shared,
    rules: Arc<[Rule]>,
    input: Option<(FilesInput<ModelDisk>, Receiver<Batch>)>,
    /// What the reader handed on since the last commit, and what was stored before.
    pending: Vec<Batch>,
    stored: BTreeMap<String, Record>,
    lines: Vec<Line>,
    /// Lines that are begun: their rests, by serial.
    rests: BTreeMap<u64, Vec<u8>>,
    /// The beginnings that were on the disk as the last thing of a file.
    files: BTreeMap<u64, File>,
    serials: u64,
    trace: Vec<String>,
    links: HashSet<PathBuf>,
}

impl Play {
    pub(super) fn new(seed: u64, threads: usize) -> Self {
        let world = World { now: 1_000 * SECOND, device: 1, ..World::default() };
        let mut play = Self {
            seed,
            threads,
            random: fastrand::Rng::with_seed(seed),
            tears: fastrand::Rng::with_seed(!seed),
            world: Shared::new(world),
            rules: rules(),
            input: None,
            pending: Vec::new(),
            stored: BTreeMap::new(),
            lines: Vec::new(),
            rests: BTreeMap::new(),
            files: BTreeMap::new(),
            serials: 0,
            trace: Vec::new(),
            links: HashSet::new(),
        };
        play.start();
        play
    }

    /// Whether lines are joined in this game.
    const fn joins(&self) -> bool {
        self.seed.is_multiple_of(2)
    }

    pub(super) fn run(mut self, steps: usize) {
        for _ in 0..steps {
            self.step();
        }
        self.world.borrow_mut().failing = 0;
        for _ in 0..4 {
            self.pass(40 * SECOND);
            if self.input.is_none() {
                self.start();
            }
            self.poll();
            self.commit();
        }
        if self.lines.iter().any(|line| line.held) {
            self.fail("lines wait although nothing came for long");
        }
        for (number, line) in self.lines.iter().enumerate() {
            if line.owed && line.given.is_empty() {
                self.fail(&format!("line {number} was lost"));
            }
        }
    }

    fn step(&mut self) {
        let up = self.input.is_some();
        match self.random.u8(..100) {
            0..30 => self.append(),
            30..36 => self.rotate(),
            36..38 => self.truncate(),
            38..41 => self.copytruncate(),
            41..43 => self.delete(),
            43..45 => self.replace(),
            45..46 => self.hard_link(),
            46..47 => self.retarget(),
            47..49 => self.late_write(),
            49..50 => self.remount(),
            50..51 if up => self.fail_reads(),
            51..52 if up => self.lie(),
            52..62 => {
                let nanos = [1_000_000, 100_000_000, SECOND, 6 * SECOND, 40 * SECOND][self.random.usize(..5)];
                self.pass(nanos);
            }
            62..80 if up => self.poll(),
            80..86 if up => self.glance(),
            86..95 if up => self.commit(),
            95..97 if up => self.crash(),
            _ if !up => self.start(),
            _ => {}
        }
    }

    fn note(&mut self, what: String) {
        tracing::debug!("--- {what}");
        self.trace.push(format!("{:>8.3} {what}", (self.world.borrow().now - 1_000 * SECOND) as f64 / 1e9));
    }

    /// Says what happened to a line: its own story, and all that happened about then.
    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        let world = self.world.borrow();
        for (path, name) in &world.names {
            let content = world.inode(path).map(|inode| &world.files[&inode]);
            println!(
                "{} {name:?} {:?}",
                path.display(),
                content.map(|it| (it.serial, it.bytes.len(), numbers(&it.bytes)))
            );
        }
        let from = self.trace.len().saturating_sub(600);
        panic!("seed {}: {what}\n{}", self.seed, self.trace[from..].join("\n"));
    }

    fn pass(&mut self, nanos: i64) {
        self.world.borrow_mut().now += nanos;
    }

    fn now(&self) -> Time {
        Time::from_nanos(self.world.borrow().now)
    }

    // The reader.

    fn start(&mut self) {
        let multiline = self.joins().then(|| Multiline {
            by: Joins::Start(Regex::new(STARTS).expect("a good regex")),
            timeout: Duration::from_secs(1),
            lines_max: 4,
        });
        let line = LineSpec { line_bytes_max: 200, ansi: Ansi::Keep, multiline, ..LineSpec::default() };
        let open_max = if self.seed.is_multiple_of(3) { 2 } else { 100 };
        let stored: Vec<Record> = self.stored.values().cloned().collect();
        let manner = Manner { line, open_max, threads: self.threads, batch_lines: 3 };
        self.input = Some(reader(&self.world, &self.rules, manner, &stored));
        self.note("start".into());
        if self.stored.is_empty() {
            // An empty world: what comes is read from its beginning.
            self.poll();
            self.commit();
        }
    }

    fn turns(&mut self) {
        let now = self.now();
        let (input, receiver) = self.input.as_mut().expect("it runs");
        for round in 0.. {
            let more = input.turn(&BTreeSet::new(), now).expect("we are here");
            self.pending.extend(receiver.try_iter());
            if input.look_again {
                input.look(now);
            }
            if !more {
                return;
            }
            if round > 1000 {
                self.fail("it doesn't come to rest");
            }
        }
    }

    /// A look and all that is to be read; what is there now is seen by it.
    fn poll(&mut self) {
        self.note("poll".into());
        let now = self.now();
        let (input, _) = self.input.as_mut().expect("it runs");
        input.look(now);
        self.turns();
        self.look_at_given();
        self.look_at_held();
        let (input, _) = self.input.as_ref().expect("it runs");
        let troubled = input.tails.values().any(|tail| tail.trouble.is_some());
        // What may be a copy of what was cut short since is not read before that is known.
        let in_doubt = input.tails.values().filter(|tail| matches!(tail.settled, Settled::CopyOf(_, 0)));
        let in_doubt: HashSet<_> = in_doubt.filter_map(|tail| Some(tail.position.file?.inode)).collect();
        let world = self.world.borrow();
        if troubled || world.lie > 0 {
            return;
        }
        let mut reachable: HashSet<u64> = HashSet::new();
        for path in world.names.keys().filter(|path| named(path)) {
            reachable.extend(world.inode(path).map(|inode| world.files[&inode].serial));
        }
        for (serial, file) in &mut self.files {
            if world.files.get(&file.inode).is_none_or(|content| content.serial != *serial) {
                continue;
            }
            let at = world.now;
            let doubtful = match &mut file.truncated {
                None => false,
                Some(_) if file.found => false,
                Some(first) => at - *first.get_or_insert(at) < SECOND,
            };
            if doubtful || in_doubt.contains(&file.inode) || !reachable.contains(serial) {
                continue;
            }
            file.found = true;
            let bytes = &world.files[&file.inode].bytes;
            file.polled = bytes.len();
            for number in numbers(bytes) {
                self.lines[number].seen = true;
            }
        }
    }

    /// Lines that wait for the rest of their event are owed once they don't.
    fn look_at_held(&mut self) {
        let (input, _) = self.input.as_ref().expect("it runs");
        let kept = input.tails.values().filter_map(|tail| tail.kept.as_ref());
        let texts = kept.flat_map(|kept| kept.group.joined().text.split(|byte| *byte == b'\n'));
        let held: HashSet<usize> = texts.filter_map(number).collect();
        for (number, line) in self.lines.iter_mut().enumerate() {
            let before = std::mem::replace(&mut line.held, held.contains(&number));
            line.seen |= before && !line.held;
        }
    }

    /// Only some of it: what hints would cause.
    fn glance(&mut self) {
        let now = self.now();
        let paths: BTreeSet<PathBuf> = {
            let world = self.world.borrow();
            world.names.keys().filter(|_| self.random.bool()).cloned().collect()
        };
        self.note("glance".into());
        let (input, receiver) = self.input.as_mut().expect("it runs");
        input.turn(&paths, now).expect("we are here");
        self.pending.extend(receiver.try_iter());
        self.look_at_given();
    }

    /// Whatever was handed on was written; what is not committed may yet be handed on again.
    fn look_at_given(&mut self) {
        let texts: Vec<Vec<u8>> = self
            .pending
            .iter()
            .flat_map(|batch| &batch.matches)
            .flat_map(|found| found.event.line.split(|byte| *byte == b'\n').map(<[u8]>::to_vec))
            .collect();
        for text in texts {
            // The rest of a line that a truncation has cut.
            let fragment = text.len() < 8 && b"L0000000".starts_with(&text[..text.len().min(3)]);
            if text.first() != Some(&b'#') && number(&text).is_none() && !fragment {
                self.fail(&format!("nobody wrote {:?}", String::from_utf8_lossy(&text)));
            }
        }
    }

    /// What is stored of these is so for good.
    fn store(&mut self, batches: Vec<Batch>) {
        self.look_at_order(&batches);
        for batch in batches {
            for record in batch.positions {
                self.look_back(&record);
                match record.value {
                    Some(_) => self.stored.insert(record.key.to_string(), record),
                    None => self.stored.remove(&*record.key),
                };
            }
            for found in batch.matches {
                tracing::debug!("given {}", String::from_utf8_lossy(&found.event.line));
                let file = found.event.origin.file.clone().unwrap_or_default();
                let when = (self.world.borrow().now - 1_000 * SECOND) as f64 / 1e9;
                for number in found.event.line.split(|byte| *byte == b'\n').filter_map(number) {
                    let line = &mut self.lines[number];
                    line.given.push(format!("{file} at {when:.3}"));
                    if line.given.len() > 1 && !line.may_repeat {
                        let given = line.given.clone();
                        self.fail(&format!("line {number} was handed on twice: {given:?}"));
                    }
                }
            }
        }
    }

    /// The lines of a file are numbered as they were written.
    fn look_at_order(&self, batches: &[Batch]) {
        let mut last: HashMap<*const Origin, usize> = HashMap::new();
        for found in batches.iter().flat_map(|batch| &batch.matches) {
            for number in found.event.line.split(|byte| *byte == b'\n').filter_map(number) {
                let before = last.insert(Arc::as_ptr(&found.event.origin), number).unwrap_or(0);
                if number < before && !self.lines[number].may_repeat {
                    self.fail(&format!("line {number} was handed on after {before}"));
                }
            }
        }
    }

    /// What was read on is not read again but from its beginning, if it is another content.
    fn look_back(&self, record: &Record) {
        let before = self.stored.get(&*record.key).and_then(Position::from_record);
        let (Some((_, before)), Some((_, now))) = (before, Position::from_record(record)) else { return };
        if now.offset < before.offset && now.offset > 0 && !before.unseen {
            self.fail(&format!("{} goes back from {} to {}", record.key, before.offset, now.offset));
        }
    }

    fn commit(&mut self) {
        self.note("commit".into());
        let batches = std::mem::take(&mut self.pending);
        self.store(batches);
        for line in self.lines.iter_mut().filter(|line| line.seen && !line.held) {
            line.owed = true;
        }
        for file in self.files.values_mut() {
            file.committed = file.polled;
            file.known |= file.polled > 0;
            if std::mem::take(&mut file.found) {
                file.truncated = None;
            }
        }
    }

    fn crash(&mut self) {
        // The engine had taken some of it, and stored that.
        let stored = self.tears.usize(..=self.pending.len());
        self.note(format!("crash after {stored} of {} batches", self.pending.len()));
        let batches = std::mem::take(&mut self.pending);
        self.store(batches.into_iter().take(stored).collect());
        self.input = None;
        for line in self.lines.iter_mut().filter(|line| !line.owed) {
            (line.seen, line.held) = (false, false);
        }
        for file in self.files.values_mut() {
            file.polled = file.committed;
            file.found = false;
            if let Some(first) = &mut file.truncated {
                *first = None;
            }
        }
    }

    fn fail_reads(&mut self) {
        let count = self.random.u32(1..6);
        self.note(format!("{count} reads fail"));
        self.world.borrow_mut().failing = count;
    }

    /// What a network file system says of sizes is wrong for less than a second.
    fn lie(&mut self) {
        self.poll();
        let unsure = |(input, _): &(FilesInput<ModelDisk>, _)| {
            let mut tails = input.tails.values();
            tails.any(|tail| matches!(tail.settled, Settled::CopyOf(..)) || tail.trouble.is_some())
        };
        if self.world.borrow().failing > 0 || self.input.as_ref().is_some_and(unsure) {
            // How much of a new file was read elsewhere is known by its size.
            return;
        }
        self.note("sizes are wrong".into());
        self.world.borrow_mut().lie = self.random.u64(1..200);
        for _ in 0..self.random.usize(1..4) {
            self.pass(SECOND / 5);
            if self.random.bool() { self.poll() } else { self.glance() }
        }
        self.world.borrow_mut().lie = 0;
        self.note("and right again".into());
        self.poll();
        // What looked shorter is looked at once more.
        self.pass(SECOND);
        self.poll();
    }

    // The writers.

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

    fn serial(&self, inode: u64) -> u64 {
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

    fn append(&mut self) {
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
    fn rotate(&mut self) {
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

    /// A copy that was given the number and the birth of what it is a copy of: nothing tells which of them was read.
    fn may_be_taken_for_its_original(&mut self, inode: u64) {
        let world = self.world.borrow();
        let content = &world.files[&inode];
        let alike = |(serial, file): (&u64, &File)| {
            *serial != content.serial && file.inode == inode && file.born == content.born
        };
        if self.files.iter().any(alike) {
            for number in numbers(&content.bytes) {
                self.lines[number].may_repeat = true;
            }
        }
    }

    /// What the last name of a file is taken from.
    fn forget_name(&mut self, path: &Path) {
        self.world.borrow_mut().unlink(path);
    }

    /// What of a file may be read again, because too little of it was read to know it by.
    fn may_repeat(&mut self, inode: u64, all: bool) {
        let serial = self.serial(inode);
        let read = self.files.get(&serial).map_or(0, |file| file.committed.min(file.polled));
        if all || read < TELLING + 320 {
            let bytes = self.world.borrow().files[&inode].bytes.clone();
            for number in numbers(&bytes) {
                self.lines[number].may_repeat = true;
            }
        }
        // The line that it ends in is cut by the copy.
        let bytes = self.world.borrow().files[&inode].bytes.clone();
        let last = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        let text = bytes[last..].iter().position(|byte| *byte != 0).map_or(bytes.len(), |at| last + at);
        if let Some(number) = number(&bytes[text..]) {
            self.lines[number].may_repeat = true;
        }
    }

    fn truncate(&mut self) {
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

    fn copytruncate(&mut self) {
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

    fn delete(&mut self) {
        let Some((path, _)) = self.any(|_| true) else { return };
        self.note(format!("delete {}", path.display()));
        self.forget_name(&path);
        if path.to_string_lossy().ends_with(".log") && self.random.bool() {
            let inode = self.create(&path.to_string_lossy());
            self.append_to(inode);
        }
    }

    /// As an editor or rsync does it: a new file of the same content and more takes the name.
    fn replace(&mut self) {
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

    fn hard_link(&mut self) {
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

    fn retarget(&mut self) {
        let target = PathBuf::from(format!("/t/v{}", self.random.u8(..3)));
        self.note(format!("link s.log to {}", target.display()));
        let link = PathBuf::from("/l/s.log");
        self.links.insert(link.clone());
        let there = self.world.borrow().names.contains_key(&target);
        if !there {
            let inode = self.create(&target.to_string_lossy());
            self.append_to(inode);
        }
        self.world.borrow_mut().names.insert(link, Name::Link(target));
    }

    /// A writer that has not yet been told that its file was rotated.
    fn late_write(&mut self) {
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

    fn remount(&mut self) {
        if self.input.is_some() {
            return;
        }
        self.note("remount".into());
        let inodes: Vec<u64> = self.world.borrow().files.keys().copied().collect();
        inodes.into_iter().for_each(|inode| self.may_repeat(inode, false));
        self.world.borrow_mut().device += 1;
    }
}

fn named(path: &Path) -> bool {
    let path = path.to_string_lossy();
    path.starts_with("/l/") && (path.ends_with(".log") || path.contains(".log.in."))
}

/// The number of a line, or of its beginning if it reaches so far.
fn number(line: &[u8]) -> Option<usize> {
    let digits = line.strip_prefix(b"L")?.get(..7)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Of the whole lines of a file.
fn numbers(bytes: &[u8]) -> Vec<usize> {
    let whole = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
    let lines = bytes[..whole].split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| {
            let text = line.iter().position(|byte| *byte != 0)?;
            number(&line[text..])
        })
        .collect()
}
