//! What this process uses of the machine.

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// As far as the system says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Memory that is resident; only Linux says.
    pub resident_bytes: Option<u64>,
    /// Processor time of all threads.
    pub cpu_seconds: f64,
    /// Open descriptors; only Linux says.
    pub open_descriptors: Option<u64>,
}

impl Process {
    /// Now.
    pub fn now() -> Self {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        Self {
            pid: std::process::id(),
            resident_bytes: resident(),
            cpu_seconds: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
            open_descriptors: std::fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64),
        }
    }
}

fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
