use std::net::{Ipv4Addr, TcpListener};

use super::*;

#[test]
fn a_socket_is_found_by_its_port_while_it_listens() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let inode = rustix::fs::fstat(&listener).unwrap().st_ino;
    let found = listening(None, port).unwrap();
    assert!(
        found.iter().any(|&found| u64::from(found) == inode),
        "{found:?}"
    );
    drop(listener);
    let found = listening(None, port).unwrap();
    assert!(
        !found.iter().any(|&found| u64::from(found) == inode),
        "{found:?}"
    );
}

#[test]
fn a_descriptor_is_copied_only_if_it_is_still_that_socket() {
    use std::os::fd::AsRawFd as _;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let inode = u32::try_from(rustix::fs::fstat(&listener).unwrap().st_ino).unwrap();
    let own = std::process::id();
    match copy(own, listener.as_raw_fd(), inode) {
        Ok(copied) => {
            let copied = copied.expect("a listening socket");
            assert_eq!(u64::from(inode), rustix::fs::fstat(&copied).unwrap().st_ino);
            assert!(
                copy(own, listener.as_raw_fd(), inode + 1)
                    .unwrap()
                    .is_none()
            );
        }
        // Some sandboxes refuse the call to everyone.
        Err(error) => assert!(matches!(error, BpfError::File { .. }), "{error}"),
    }
}
