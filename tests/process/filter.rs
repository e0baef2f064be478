//! Seccomp filters, as sandboxes have: a system call that fails with EPERM.

/// For this thread, and those that it starts: 0.
pub fn forbid(call: libc::c_long) -> i64 {
    install(call, 0, FAIL)
}

/// For this thread, and those that it starts: 0. Not with an error, but with the end of the process.
#[allow(dead_code, reason = "each test file uses its part")]
pub fn kill_for(call: libc::c_long) -> i64 {
    install(call, 0, libc::SECCOMP_RET_KILL_PROCESS)
}

/// For all threads of this process: 0.
#[allow(dead_code, reason = "each test file uses its part")]
pub fn forbid_everywhere(call: libc::c_long) -> i64 {
    install(call, libc::SECCOMP_FILTER_FLAG_TSYNC, FAIL)
}

/// The call fails with EPERM.
const FAIL: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;

fn install(call: libc::c_long, flags: libc::c_ulong, then: u32) -> i64 {
    let filter = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let mut program = [
        // The number of the system call is the first word.
        filter(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        filter(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, call as u32),
        filter(libc::BPF_RET | libc::BPF_K, 0, 0, then),
        filter(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the filter is as long as said.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    }
}
