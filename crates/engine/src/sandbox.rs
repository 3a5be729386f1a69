//! The kernel's lock on the engine's process, behind which a hole in the other locks leads nowhere.
//!
//! In: the engine's options, before the first thread is started. Out: a process that opens no file beside its data, its
//! backups and what the system's libraries need (Landlock), connects to nothing and runs nothing (Landlock, seccomp).
//! A kernel that has neither is reported, and the other locks stay.

use std::{collections::BTreeMap, fmt, path::Path};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, NetPort, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetStatus, path_beneath_rules,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use crate::{EngineError, Options, library::find_library};

/// Read, never written: libraries, time zones, the machine's size, randomness. Nothing of `/proc/self`: it would show
/// the environment.
const SYSTEM: &[&str] = &[
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/loadavg",
    "/proc/uptime",
    "/proc/sys/vm",
    "/proc/sys/kernel",
    "/sys/fs/cgroup",
    "/sys/devices/system",
    "/sys/kernel/mm",
    "/dev/urandom",
    "/dev/random",
];

/// The kernel's locks that hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confinement {
    /// Files outside are closed.
    pub files: bool,
    /// No connection can be opened, no program run.
    pub network: bool,
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.files, self.network) {
            (true, true) => "files, network and programs are closed by the kernel",
            (true, false) => "files are closed by the kernel; it has no seccomp to close the network",
            (false, true) => {
                "network and programs are closed by the kernel; it has no Landlock (Linux 5.13) to close files"
            }
            (false, false) => "this kernel has neither Landlock nor seccomp: only the check of statements keeps files and network closed",
        })
    }
}

/// Confines this thread and all that it starts. Called before there are others.
pub fn confine(options: &Options) -> Result<Confinement, EngineError> {
    for dir in std::iter::once(&options.data_dir).chain(&options.backups) {
        std::fs::create_dir_all(dir).map_err(|source| EngineError::Directory {
            path: dir.clone(),
            source,
        })?;
    }
    let library = find_library(options.library.as_deref())?;
    let confinement = Confinement {
        files: confine_files(options, &library).map_err(|error| refused(&error))?,
        network: confine_calls(),
    };
    if !(confinement.files && confinement.network) {
        tracing::warn!(%confinement, "the engine's process is not fully confined");
    }
    Ok(confinement)
}

/// The locks that this kernel has; nothing is confined.
pub fn available_locks() -> Confinement {
    let landlock = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))
        .and_then(Ruleset::create);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    Confinement {
        files: landlock.is_ok(),
        network: status.lines().any(|line| line.starts_with("Seccomp:")),
    }
}

fn refused(error: &dyn fmt::Display) -> EngineError {
    EngineError::Confinement {
        reason: error.to_string(),
    }
}

/// Files, and TCP where the kernel can (6.7): bind to our port, connect to none.
fn confine_files(options: &Options, library: &Path) -> Result<bool, landlock::RulesetError> {
    let abi = ABI::V6;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let own = AccessFs::from_all(abi) & !AccessFs::Execute;
    let own = own & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeSock | AccessFs::IoctlDev);
    let writable = std::iter::once(&options.data_dir).chain(&options.backups);
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(landlock::Scope::from_all(abi))?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules([library], read))?
        .add_rules(path_beneath_rules(["/dev/null"], read | AccessFs::WriteFile))?
        .add_rules(path_beneath_rules(writable, own))?
        .add_rule(NetPort::new(options.listen.port(), AccessNet::BindTcp))?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// No program, no connection, no datagram, no way around (`io_uring`, TCP fast open, other processes).
fn confine_calls() -> bool {
    // Sockets are for listening: TCP alone.
    let datagram = [
        (libc::AF_INET, libc::SOCK_DGRAM),
        (libc::AF_INET, libc::SOCK_RAW),
        (libc::AF_INET6, libc::SOCK_DGRAM),
        (libc::AF_INET6, libc::SOCK_RAW),
    ];
    let sockets = datagram
        .into_iter()
        .map(|(domain, kind)| {
            SeccompRule::new(vec![equals(0, domain, u64::MAX)?, equals(1, kind, 0xf)?]).ok()
        })
        .chain(
            [libc::AF_PACKET, libc::AF_VSOCK]
                .map(|domain| SeccompRule::new(vec![equals(0, domain, u64::MAX)?]).ok()),
        )
        .collect::<Option<Vec<_>>>();
    let fast_open = |argument| {
        let flag = SeccompCondition::new(
            argument,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(libc::MSG_FASTOPEN as u64),
            libc::MSG_FASTOPEN as u64,
        );
        SeccompRule::new(vec![flag.ok()?]).ok()
    };
    let (Some(sockets), Some(sendto), Some(sendmsg), Some(several)) =
        (sockets, fast_open(3), fast_open(2), fast_open(3))
    else {
        return false;
    };
    let mut calls: BTreeMap<i64, Vec<SeccompRule>> = [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_connect,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
        libc::SYS_bpf,
        libc::SYS_mount,
        libc::SYS_setns,
        libc::SYS_unshare,
        libc::SYS_kexec_load,
        libc::SYS_init_module,
        libc::SYS_finit_module,
    ]
    .map(|call| (call, Vec::new()))
    .into();
    calls.insert(libc::SYS_socket, sockets);
    calls.insert(libc::SYS_sendto, vec![sendto]);
    calls.insert(libc::SYS_sendmsg, vec![sendmsg]);
    calls.insert(libc::SYS_sendmmsg, vec![several]);
    let Ok(arch) = std::env::consts::ARCH.try_into() else {
        return false;
    };
    let refusal = SeccompAction::Errno(libc::EACCES as u32);
    SeccompFilter::new(calls, SeccompAction::Allow, refusal, arch)
        .and_then(BpfProgram::try_from)
        .is_ok_and(|program| seccompiler::apply_filter(&program).is_ok())
}

fn equals(argument: u8, value: i32, mask: u64) -> Option<SeccompCondition> {
    let operator = if mask == u64::MAX {
        SeccompCmpOp::Eq
    } else {
        SeccompCmpOp::MaskedEq(mask)
    };
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value as u64).ok()
}
