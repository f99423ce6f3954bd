//! 1 to 13: what an application does with a socket, and what the host does to it.

use super::{EdgeCase, case};

pub(super) const SOCKETS: &[EdgeCase] = &[
    case(
        1,
        "a connect that does not wait",
        &["hooks_sockets::egress::a_connect_that_does_not_wait_is_redirected"],
    ),
    case(
        2,
        "TCP Fast Open in both forms, data in the SYN",
        &[
            "hooks_sockets::bytes::edges::data_in_the_syn_counts_once",
            "hooks_sockets::bytes::edges::data_in_a_syn_that_the_peer_does_not_take_counts_once",
            "hooks_sockets::ways::fast_open_by_sending_is_redirected_with_its_data",
            "hooks_sockets::ways::fast_open_by_option_is_redirected_with_its_data",
        ],
    ),
    case(
        3,
        "Multipath TCP, dialling and listening",
        &[
            "hooks_sockets::egress::multipath_tcp_is_redirected",
            "hooks_sockets::hostile::multipath_tcp_comes_to_the_proxy_as_tcp",
            "hooks_sockets::names::multipath_tcp_shows_what_was_dialled",
        ],
    ),
    case(
        4,
        "IPv4 through an IPv6 socket, and what it says of its peer",
        &[
            "hooks_sockets::egress::v4_mapped_follows_the_rules_of_v4",
            "hooks_sockets::names::getsockname_shows_the_address_that_routing_would_have_chosen",
        ],
    ),
    case(
        5,
        "IPv6 alone, link-local addresses with a scope",
        &[
            "hooks_sockets::egress::v6_goes_to_the_proxy_and_keeps_its_destination",
            "hooks_sockets::ways::a_socket_of_ipv6_alone_is_redirected",
            "hooks_sockets::ways::a_link_local_address_keeps_its_scope",
            "hooks_sockets::ways::a_link_local_address_of_an_unknown_link_follows_the_mode",
            "hooks_sockets::targets::ipv6_destinations_have_targets_of_their_own",
            "hooks_sockets::targets::a_namespace_without_ipv6_works_for_ipv4",
            "hooks_sockets::targets::without_the_route_one_target_serves_ipv6",
        ],
    ),
    case(
        6,
        "loopback, unspecified and own addresses as destinations",
        &[
            "hooks_sockets::skip_rules::destinations_of_the_host_itself",
            "netns_rules::destinations_on_the_host_itself_go_direct",
            "hooks_sockets::skip_rules::local_addresses_that_came_later",
            "hooks_sockets::bytes::edges::a_socket_that_connects_to_itself_is_one_connection",
        ],
    ),
    case(
        7,
        "a socket disconnected by AF_UNSPEC and connected elsewhere",
        &[
            "hooks_sockets::egress::a_socket_used_again_forgets_where_it_was_going",
            "hooks_sockets::ways::a_socket_used_again_for_what_is_ignored_has_no_origin_and_no_name",
            "hooks_sockets::bytes::edges::each_connection_of_one_socket_has_a_record",
        ],
    ),
    case(
        8,
        "one source port to several destinations",
        &[
            "hooks_sockets::egress::one_source_port_reaches_several_destinations",
            "hooks_sockets::egress::destinations_are_spread_over_the_loopback_network",
        ],
    ),
    case(
        9,
        "more connections than there are ephemeral ports",
        &[
            "hooks_sockets::ports::a_few_ports_serve_many_destinations_in_both_families",
            "hooks_sockets::ports::sixty_thousand_connections_at_one_time",
            "hooks_sockets::egress::many_at_once_all_arrive_where_they_were_going",
        ],
    ),
    case(
        10,
        "a 4-tuple used again while the last one is in TIME_WAIT",
        &[
            "hooks_sockets::ports::a_tuple_that_waits_to_end_serves_the_next_destination",
            "hooks_sockets::ports::a_port_that_waits_to_end_serves_the_next_destination",
        ],
    ),
    case(
        11,
        "a socket bound to a source address",
        &[
            "hooks_sockets::egress::one_source_port_reaches_several_destinations",
            "hooks_sockets::names::a_bound_socket_shows_its_own_address",
            "hooks_sockets::names::getsockname_shows_the_address_that_routing_would_have_chosen",
            "hooks_sockets::names::routes_and_rules_by_destination_decide_the_source",
            "hooks_sockets::names::a_changed_route_changes_the_source_without_a_poll",
        ],
    ),
    case(
        12,
        "a socket bound to an interface",
        &[
            "hooks_sockets::egress::a_socket_bound_to_an_interface_reaches_the_proxy",
            "hooks_sockets::egress::a_socket_bound_to_an_interface_without_address_is_refused",
        ],
    ),
    case(
        13,
        "a loopback interface that is down; a VRF",
        &["hooks_sockets::targets::a_loopback_interface_that_is_down_refuses_instead_of_hanging"],
    )
    .without("a VRF: kernels of the development machines have none (CONFIG_NET_VRF)"),
];
