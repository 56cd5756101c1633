//! What a thread is called: `top -H` shows it, and `benches/idle.py` tells by it who woke.

use std::ffi::CStr;

/// From now on this thread has this name, of which Linux keeps fifteen bytes; elsewhere it has none.
pub fn call(name: &CStr) {
    #[cfg(target_os = "linux")]
    {
        // Without one it works as well.
        let _ = rustix::thread::set_name(name);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = name;
}
