//! Signal handler: a process that dies of a signal for want of memory says so on stderr, where the service reads it.
//!
//! Libraries written in C and C++ do not always look whether an allocation succeeded. They die of the null pointer, and a file that needs too much memory looks like
//! one that is broken. Two things tell: `errno` is ENOMEM where an allocation was the last call that failed, and the address space is all but used up.
#![allow(unsafe_code)]

use libc::{SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SIGABRT, SIGBUS, SIGSEGV, c_int};

/// Bytes that an address space with room for more has left.
const ROOM: usize = 16 << 20;
/// What is said.
const WORDS: &[u8] = b"out of memory\n";

/// Installs the handler. It runs once: after it the signal does what it does without one.
pub fn tell_of_memory() {
    for signal in [SIGSEGV, SIGBUS, SIGABRT] {
        // SAFETY: a zeroed `sigaction` is a valid one, with an empty mask; the handler calls only what is safe in a signal handler.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handle as extern "C" fn(c_int) as usize;
            action.sa_flags = SA_RESETHAND | SA_NODEFER | SA_ONSTACK;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

extern "C" fn handle(_signal: c_int) {
    // SAFETY: `errno` is this thread's own; mapping, unmapping and writing are system calls and take no locks.
    unsafe {
        let failed = *libc::__errno_location() == libc::ENOMEM;
        if failed || !has_room() {
            libc::write(2, WORDS.as_ptr().cast(), WORDS.len());
        }
    }
}

/// Whether the address space has room for more.
unsafe fn has_room() -> bool {
    // SAFETY: a new mapping that nothing uses, removed at once.
    unsafe {
        let room = libc::mmap(std::ptr::null_mut(), ROOM, libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
        room != libc::MAP_FAILED && libc::munmap(room, ROOM) == 0
    }
}
