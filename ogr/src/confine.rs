//! What the process gives up before it looks at a file that somebody sent.

use crate::job::{Confinement, Job, Task, Trouble};
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, make_bitflags,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::UnshareFlags;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use std::collections::BTreeMap;

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
    Ok(Confinement { folder, own_network, filtered })
}

fn limit(job: &Job) -> Result<(), Trouble> {
    let limits = [
        (Resource::As, job.limits.memory_bytes),
        (Resource::Cpu, job.limits.cpu_s),
        (Resource::Fsize, if writes(job) { job.limits.file_bytes } else { 0 }),
        (Resource::Nofile, job.limits.files),
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).map_err(|error| Trouble::new("limits", format!("{resource:?}: {error}")))?;
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

/// The kernel answers EPERM to sockets, to other programs, and to what only an intruder would call.
fn filter() -> Result<(), seccompiler::Error> {
    let refused = [
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_sendto,
        libc::SYS_sendmsg,
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_setns,
        libc::SYS_unshare,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_kexec_load,
    ];
    let rules: BTreeMap<i64, Vec<seccompiler::SeccompRule>> = refused.into_iter().map(|call| (call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, std::env::consts::ARCH.try_into()?)?;
    let program: BpfProgram = filter.try_into()?;
    apply_filter(&program)
}
