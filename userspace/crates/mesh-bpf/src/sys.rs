//! bpf(2) where aya has no call for it: links with any program and attach type, their update in
//! place, and what they are attached to.
#![expect(
    unsafe_code,
    reason = "bpf(2) takes a union by pointer, and libc has no safe form of it"
)]

use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

/// Commands of bpf(2) (`enum bpf_cmd`).
mod command {
    pub(super) const OBJ_PIN: i32 = 6;
    pub(super) const OBJ_GET: i32 = 7;
    pub(super) const OBJ_GET_INFO_BY_FD: i32 = 15;
    pub(super) const PROG_QUERY: i32 = 16;
    pub(super) const LINK_CREATE: i32 = 28;
    pub(super) const LINK_UPDATE: i32 = 29;
    pub(super) const LINK_DETACH: i32 = 34;
}

/// Where a program is attached (`enum bpf_attach_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum AttachType {
    SockOps = 3,
    Connect4 = 10,
    Connect6 = 11,
    GetSockOpt = 21,
    GetPeerName4 = 29,
    GetPeerName6 = 30,
    GetSockName4 = 31,
    GetSockName6 = 32,
    SkLookup = 36,
}

/// The members of `union bpf_attr` that are used here. The kernel takes what is not given as zero.
#[repr(C)]
#[derive(Clone, Copy)]
struct ObjectPath {
    path: u64,
    fd: u32,
    flags: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct LinkCreate {
    program: u32,
    target: u32,
    attach_type: u32,
    flags: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct LinkUpdate {
    link: u32,
    program: u32,
    flags: u32,
    old_program: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct LinkDetach {
    link: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct InfoByFd {
    fd: u32,
    length: u32,
    info: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct ProgQuery {
    target: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    programs: u64,
    count: u32,
    padding: u32,
    /// What newer kernels write beside: they do so whether it was asked for or not.
    rest: [u64; 4],
}

/// `struct bpf_link_info`, of links to cgroups and network namespaces.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct RawLinkInfo {
    kind: u32,
    id: u32,
    program: u32,
    padding: u32,
    /// The cgroup's id; for a namespace its inode in the lower half, the attach type in the upper.
    target: u64,
    rest: [u64; 3],
}

/// `BPF_LINK_TYPE_NETNS`
const LINK_TYPE_NETNS: u32 = 5;

/// What the kernel says of a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkInfo {
    pub(crate) id: u32,
    pub(crate) program: u32,
    /// The id of the cgroup or the inode of the namespace; 0 when that has gone.
    pub(crate) target: u64,
}

/// Attaches a program to a cgroup or namespace.
pub(crate) fn link_create(
    program: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    attach_type: AttachType,
) -> io::Result<OwnedFd> {
    let attribute = LinkCreate {
        program: number(program),
        target: number(target),
        attach_type: attach_type as u32,
        flags: 0,
    };
    bpf_fd(command::LINK_CREATE, &attribute)
}

/// Puts another program in the place of a link's, with no moment between.
pub(crate) fn link_update(link: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    let attribute = LinkUpdate {
        link: number(link),
        program: number(program),
        flags: 0,
        old_program: 0,
    };
    bpf(command::LINK_UPDATE, &attribute).map(drop)
}

/// Detaches a link whoever still holds it.
pub(crate) fn link_detach(link: BorrowedFd<'_>) -> io::Result<()> {
    let attribute = LinkDetach { link: number(link) };
    bpf(command::LINK_DETACH, &attribute).map(drop)
}

/// What the kernel says of a link.
pub(crate) fn link_info(link: BorrowedFd<'_>) -> io::Result<LinkInfo> {
    let mut info = RawLinkInfo::default();
    let attribute = InfoByFd {
        fd: number(link),
        length: size::<RawLinkInfo>(),
        info: &raw mut info as u64,
    };
    bpf(command::OBJ_GET_INFO_BY_FD, &attribute)?;
    let target = if info.kind == LINK_TYPE_NETNS {
        info.target & u64::from(u32::MAX)
    } else {
        info.target
    };
    Ok(LinkInfo {
        id: info.id,
        program: info.program,
        target,
    })
}

/// What is attached at one place of one kind, in the order in which it runs.
#[derive(Clone, Debug)]
pub(crate) struct Attachments {
    /// `BPF_F_ALLOW_OVERRIDE` (1), `BPF_F_ALLOW_MULTI` (2), or 0 for one program alone.
    pub(crate) flags: u32,
    /// The ids of the programs.
    pub(crate) programs: Vec<u32>,
}

/// How many programs a cgroup takes of one kind (`BPF_CGROUP_MAX_PROGS`), and a namespace too.
const MOST_PROGRAMS: usize = 64;

/// Asks what is attached to a cgroup or namespace itself, not to those above it.
pub(crate) fn attached(target: BorrowedFd<'_>, attach_type: AttachType) -> io::Result<Attachments> {
    let mut programs = vec![0_u32; MOST_PROGRAMS];
    let mut attribute = ProgQuery {
        target: number(target),
        attach_type: attach_type as u32,
        programs: programs.as_mut_ptr() as u64,
        count: u32::try_from(MOST_PROGRAMS).expect("a small number"),
        ..ProgQuery::default()
    };
    // SAFETY: as for `bpf`, and the kernel writes into the attribute and into `programs`, which
    // nobody else has and which is as long as said.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command::PROG_QUERY,
            &raw mut attribute,
            size_of::<ProgQuery>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    programs.truncate(attribute.count as usize);
    Ok(Attachments {
        flags: attribute.attach_flags,
        programs,
    })
}

/// Keeps a link, program or map under a path of a BPF file system.
pub(crate) fn pin(object: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    let attribute = ObjectPath {
        path: path.as_ptr() as u64,
        fd: number(object),
        flags: 0,
    };
    bpf(command::OBJ_PIN, &attribute).map(drop)
}

/// Opens what a path of a BPF file system keeps.
pub(crate) fn open_pin(path: &Path) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    let attribute = ObjectPath {
        path: path.as_ptr() as u64,
        fd: 0,
        flags: 0,
    };
    bpf_fd(command::OBJ_GET, &attribute)
}

/// The cookie of a socket's network namespace, as the programs see it (`SO_NETNS_COOKIE`, Linux
/// 5.14).
pub(crate) fn netns_cookie(socket: BorrowedFd<'_>) -> io::Result<u64> {
    let mut cookie = 0_u64;
    let mut length = size::<u64>();
    // SAFETY: the option is a u64, and the pointers are to live variables of the sizes said.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut length,
        )
    };
    if result == 0 {
        Ok(cookie)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The size of a type as the kernel takes it.
fn size<T>() -> u32 {
    u32::try_from(size_of::<T>()).expect("the types here are small")
}

fn number(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

fn c_path(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

fn bpf_fd<A: Copy>(command: i32, attribute: &A) -> io::Result<OwnedFd> {
    let fd = bpf(command, attribute)?;
    // SAFETY: these commands return a new file descriptor, close-on-exec, that nobody else has.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn bpf<A: Copy>(command: i32, attribute: &A) -> io::Result<i32> {
    // SAFETY: the attribute is a prefix of `union bpf_attr` for this command, of the length said;
    // what it points to outlives the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_ref(attribute),
            size_of::<A>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(i32::try_from(result).expect("bpf(2) returns an int"))
}

/// Reads a record from the bytes of a ring buffer.
pub(crate) fn read_record<T: aya::Pod>(bytes: &[u8]) -> io::Result<T> {
    if bytes.len() != size_of::<T>() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a record of {} bytes, not {}", bytes.len(), size_of::<T>()),
        ));
    }
    // SAFETY: as many bytes as the type has, and by its trait every bit pattern is a value of it.
    Ok(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}
