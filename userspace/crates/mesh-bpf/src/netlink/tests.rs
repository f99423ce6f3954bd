use netlink_packet_core::{NLM_F_DUMP_INTR, NLM_F_MULTIPART, NLMSG_DONE};
use netlink_packet_route::RouteNetlinkMessage;

use super::Answers;

/// `RTM_NEWROUTE`
const NEW_ROUTE: u16 = 24;

/// One message, as the kernel lays it out (netlink(7)).
fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + payload.len()).unwrap();
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend((flags | NLM_F_MULTIPART).to_ne_bytes());
    message.extend([0; 8]);
    message.extend(payload);
    message
}

fn done(flags: u16, code: i32) -> Vec<u8> {
    message(NLMSG_DONE, flags, &code.to_ne_bytes())
}

/// An IPv4 route to everything.
fn route(flags: u16) -> Vec<u8> {
    message(NEW_ROUTE, flags, &[2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0])
}

#[test]
fn a_dump_ends_where_it_says_so() {
    let mut answers = Answers::<RouteNetlinkMessage>::default();
    assert!(!answers.take(&route(0)).unwrap());
    let last = [route(0), done(0, 0)].concat();
    assert!(answers.take(&last).unwrap());
    assert_eq!(answers.messages.len(), 2);
    assert!(!answers.are_torn);
}

#[test]
fn a_dump_that_failed_half_way_is_an_error() {
    let mut answers = Answers::<RouteNetlinkMessage>::default();
    let failed = [route(0), done(0, -libc::ENOMEM)].concat();
    let error = answers.take(&failed).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENOMEM));
}

#[test]
fn a_dump_of_what_changed_meanwhile_is_torn() {
    for all in [
        [route(NLM_F_DUMP_INTR), route(0), done(0, 0)],
        [route(0), route(0), done(NLM_F_DUMP_INTR, 0)],
    ] {
        let mut answers = Answers::<RouteNetlinkMessage>::default();
        assert!(answers.take(&all.concat()).unwrap());
        assert!(answers.are_torn);
    }
}
