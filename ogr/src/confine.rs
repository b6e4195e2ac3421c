//! What the process gives up before it looks at a file that somebody sent.

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, make_bitflags,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::UnshareFlags;
use seccompiler::{BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, apply_filter};
use std::collections::BTreeMap;
use tuban_ogr_protocol::{Confinement, Job, Task, Trouble};

/// What GDAL and PROJ read of their own: definitions of reference systems, and the modules that convert text.
const LIBRARIES: [&str; 6] = ["/usr/share/proj", "/usr/share/gdal", "/usr/local/share/proj", "/usr/local/share/gdal", "/usr/lib", "/lib"];

/// What making a file takes: plain files and folders, nothing else.
const WRITING: BitFlags<AccessFs> = make_bitflags!(AccessFs::{WriteFile | MakeReg | MakeDir | RemoveFile | RemoveDir | Truncate});

/// Gives up memory, time, files, the network and everything outside the job's folder.
///
/// # Errors
/// Where a limit cannot be set. Landlock, namespaces and filters may be missing on an old or locked kernel; what holds is told.
pub fn confine(job: &Job) -> Result<Confinement, Trouble> {
    limit(job)?;
    let own_network = alone();
    let folder = folder_only(job).unwrap_or("none");
    let filtered = filter().is_ok();
    Ok(Confinement { folder: folder.into(), own_network, filtered })
}

fn limit(job: &Job) -> Result<(), Trouble> {
    let limits = [
        (Resource::As, job.limits.memory_bytes, 0),
        // At the first of two limits the kernel says which it was (SIGXCPU), at the second it only kills, as it does where memory runs out.
        (Resource::Cpu, job.limits.cpu_s, 5),
        (Resource::Fsize, if writes(job) { job.limits.file_bytes } else { 0 }, 0),
        (Resource::Nofile, job.limits.files, 0),
        (Resource::Core, 0, 0),
    ];
    for (resource, most, more) in limits {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most + more) })
            .map_err(|error| Trouble::new("limits", format!("{resource:?}: {error}")))?;
    }
    Ok(())
}

fn writes(job: &Job) -> bool {
    matches!(job.task, Task::Write(_))
}

/// A network namespace of its own, in which there is nothing. Not everywhere permitted: then the filter below must do.
#[allow(deprecated, reason = "the process has one thread and shares no file table")]
fn alone() -> bool {
    rustix::thread::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET).is_ok() || rustix::thread::unshare(UnshareFlags::NEWNET).is_ok()
}

fn folder_only(job: &Job) -> Option<&'static str> {
    let abi = ABI::V3;
    let mut rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(AccessFs::from_all(abi)).ok()?.create().ok()?;
    let own = if writes(job) { AccessFs::from_read(abi) | WRITING } else { AccessFs::from_read(abi) };
    rules = rules.add_rule(PathBeneath::new(PathFd::new(&job.folder).ok()?, own)).ok()?;
    for library in LIBRARIES {
        if let Ok(folder) = PathFd::new(library) {
            rules = rules.add_rule(PathBeneath::new(folder, AccessFs::ReadFile | AccessFs::ReadDir)).ok()?;
        }
    }
    match rules.restrict_self().ok()?.ruleset {
        RulesetStatus::FullyEnforced => Some("full"),
        RulesetStatus::PartiallyEnforced => Some("partial"),
        RulesetStatus::NotEnforced => None,
    }
}

/// The kernel answers “no such call” to everything but what reading and writing files takes: no sockets, no other programs, no other processes, no signals
/// to any but this one. The C library knows how to do without what a kernel does not have.
fn filter() -> Result<(), seccompiler::Error> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = CALLS.iter().chain(OLDER_CALLS).map(|call| (*call, Vec::new())).collect();
    let own = u64::from(std::process::id());
    let when = |argument, how, value| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, value).and_then(|is| SeccompRule::new(vec![is]));
    let thread = (libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND | libc::CLONE_THREAD) as u64;
    let process = (libc::CLONE_NEWNS | libc::CLONE_NEWUSER | libc::CLONE_NEWPID | libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS) as u64;
    rules.insert(libc::SYS_clone, vec![when(0, SeccompCmpOp::MaskedEq(thread | process), thread)?]);
    rules.insert(libc::SYS_tgkill, vec![when(0, SeccompCmpOp::Eq, own)?]);
    rules.insert(libc::SYS_prlimit64, vec![when(0, SeccompCmpOp::Eq, 0)?]);
    // Locks, and what is kept of a descriptor; not F_SETOWN and F_SETSIG, which send signals.
    let commands = [
        libc::F_DUPFD,
        libc::F_GETFD,
        libc::F_SETFD,
        libc::F_GETFL,
        libc::F_GETLK,
        libc::F_SETLK,
        libc::F_SETLKW,
        libc::F_OFD_GETLK,
        libc::F_OFD_SETLK,
        libc::F_OFD_SETLKW,
        libc::F_DUPFD_CLOEXEC,
    ];
    let commands = commands.into_iter().map(|command| when(1, SeccompCmpOp::Eq, command as u64));
    rules.insert(libc::SYS_fcntl, commands.collect::<Result<_, _>>()?);
    let refuse = SeccompAction::Errno(libc::ENOSYS as u32);
    let filter = SeccompFilter::new(rules, refuse, SeccompAction::Allow, std::env::consts::ARCH.try_into()?)?;
    let program: BpfProgram = filter.try_into()?;
    apply_filter(&program)
}

/// Files and folders (landlock says which), memory, threads and locks, clocks, what the process may know of itself, and its end.
const CALLS: &[i64] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_lseek,
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_fadvise64,
    libc::SYS_flock,
    libc::SYS_ftruncate,
    libc::SYS_truncate,
    libc::SYS_fallocate,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_utimensat,
    libc::SYS_umask,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_msync,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_ppoll,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_times,
    libc::SYS_getrusage,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getppid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// What x86-64 has under older names, too, and newer machines do not.
#[cfg(target_arch = "x86_64")]
const OLDER_CALLS: &[i64] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_getdents,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_chmod,
    libc::SYS_utimes,
    libc::SYS_dup2,
    libc::SYS_poll,
    libc::SYS_time,
    libc::SYS_getrlimit,
    libc::SYS_arch_prctl,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER_CALLS: &[i64] = &[];
