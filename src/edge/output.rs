//! What a command prints, and its reader that may go before all of it is read, as `head` does.
//!
//! Rust's programs are born deaf to the signal that ends others then, and `println!` panics in its place. Deliberately absent: the
//! device, which must outlive whoever reads its log.
#![allow(unsafe_code)]

/// From now on a reader that has gone ends the process quietly, as it ends any other tool.
pub fn end_with_its_reader() {
    // SAFETY: no handler of our own is named, so that nothing of the program runs in the signal's place.
    let _before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}
