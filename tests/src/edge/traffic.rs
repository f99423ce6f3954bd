//! 31 to 50: connections both ways, rules, counters, and machines of other kinds.

use super::{EdgeCase, case};

pub(super) const TRAFFIC: &[EdgeCase] = &[
    case(
        31,
        "SO_ORIGINAL_DST: both levels, short buffers, other options",
        &[
            "hooks_sockets::original_destination::v4",
            "hooks_sockets::original_destination::v6",
            "hooks_sockets::original_destination::a_connection_that_was_not_redirected_has_none",
            "hooks_sockets::original_destination::a_buffer_that_is_too_short_is_the_kernel_s_business",
            "hooks_sockets::original_destination::other_options_are_untouched",
            "hooks_sockets::original_destination::options_longer_than_a_page_are_untouched",
            "hooks_sockets::original_destination::an_ipv6_listener_that_takes_ipv4_answers_at_both_levels",
            "hooks_sockets::original_destination::a_steered_connection_s_is_the_address_that_its_peer_dialled",
        ],
    ),
    case(
        32,
        "a connect by io_uring",
        &["hooks_sockets::ways::io_uring_is_redirected"],
    ),
    case(
        33,
        "a socket shared by fork",
        &[
            "hooks_sockets::bytes::edges::a_socket_that_is_shared_is_one_connection",
            "hooks_sockets::ways::a_socket_inherited_over_fork_is_redirected_and_shared",
        ],
    ),
    case(
        34,
        "half-closed, reset, lingering, and a gigabyte each way",
        &[
            "hooks_sockets::bytes::large::a_gigabyte_each_way_is_carried_and_counted_to_the_byte",
            "hooks_sockets::bytes::the_application_finishes_and_reads_to_the_end",
            "hooks_sockets::bytes::the_peer_finishes_first_and_reads_on",
            "hooks_sockets::bytes::resets_of_both_ends",
            "hooks_sockets::bytes::the_application_finishes_and_leaves_before_the_end",
            "hooks_sockets::bytes::edges::a_reset_at_a_closed_window_counts_what_was_acknowledged",
            "hooks_sockets::bytes::edges::a_window_that_closes_and_opens_loses_no_byte",
            "hooks_sockets::bytes::edges::what_the_application_leaves_unread_counts_as_received",
            "hooks_sockets::bytes::edges::what_is_sent_to_a_peer_that_has_gone_does_not_count",
        ],
    ),
    case(
        35,
        "the proxy's own connection to the host's address does not come back to it",
        &[
            "hooks_sockets::ingress::local_connections_reach_the_application",
            "netns_containers::a_backend_on_the_own_host_is_reached_without_a_loop",
        ],
    ),
    case(
        36,
        "a connection in that claims a source of another",
        &["hooks_sockets::hostile::a_peer_that_claims_an_address_of_the_host_gets_nowhere"],
    ),
    case(
        37,
        "probes: of the namespace itself, and of the node",
        &[
            "netns_ingress::local_clients_reach_the_application_directly",
            "netns_containers::a_probe_of_the_node_is_steered_and_one_from_within_is_not",
        ],
    ),
    case(
        38,
        "a port that nobody listens on answers with a reset",
        &["hooks_sockets::ingress::other_ports_are_as_without_us"],
    ),
    case(
        39,
        "SYN cookies on the steered listener",
        &[
            "hooks_sockets::hostile::syn_cookies_on_a_steered_listener",
            "hooks_sockets::hostile::a_redirected_connection_under_syn_cookies",
        ],
    ),
    case(
        40,
        "a group of SO_REUSEPORT as the steered listener",
        &["hooks_sockets::ingress::one_socket_stands_for_its_group"],
    ),
    case(
        41,
        "DNS over UDP, connected and not",
        &["hooks_sockets::egress::datagrams_are_left_alone"],
    )
    .without("DNS is not redirected: datagrams are left alone"),
    case(
        42,
        "a server that speaks first, STARTTLS",
        &[
            "netns_server_first::a_server_that_speaks_first_is_heard_where_the_mesh_knows_no_port",
            "netns_server_first::a_server_that_speaks_first_is_heard_behind_a_tcp_route",
        ],
    ),
    case(
        43,
        "ignored ports and networks at their bounds, and removed under live connections",
        &[
            "hooks_sockets::skip_rules::ignored_ports",
            "hooks_sockets::skip_rules::ignored_networks_of_both_families",
            "hooks_sockets::skip_rules::everything_of_one_family",
            "hooks_sockets::skip_rules::networks_that_overlap_and_single_addresses",
            "hooks_sockets::skip_rules::a_rule_that_goes_while_its_connections_live",
            "hooks_sockets::many_rules::a_hundred_thousand_networks_and_sixty_thousand_ports",
            "hooks_sockets::many_rules::no_ports_and_no_networks",
        ],
    ),
    case(
        44,
        "rules change whole",
        &[
            "hooks_sockets::skip_rules::rules_are_replaced_whole",
            "hooks_sockets::skip_rules::no_connection_sees_half_of_the_rules",
            "hooks_sockets::switching::no_connection_is_decided_by_halves_of_two_policies",
        ],
    ),
    case(
        45,
        "counters: exact, over 4 GiB, refused, never closed",
        &[
            "hooks_sockets::bytes::the_application_closes_first",
            "hooks_sockets::bytes::the_peer_closes_first",
            "hooks_sockets::bytes::refused_and_direct_connections_have_records_too",
            "hooks_sockets::bytes::large::more_than_four_gigabytes_each_way_are_counted",
            "hooks_sockets::bytes::edges::a_connection_that_is_never_answered_is_listed_and_closed_unestablished",
            "hooks_sockets::bytes::scripts::counters_agree_with_every_way_to_live_and_end",
            "hooks_sockets::refused::a_denied_connection_has_a_record",
            "hooks_sockets::bytes::edges::a_connection_that_its_listener_never_accepted_has_a_record",
            "hooks_sockets::bytes::a_record_says_all_about_its_connection",
            "hooks_sockets::ingress::steered_connections_are_listed_and_counted",
        ],
    ),
    case(
        46,
        "an application cannot let itself out",
        &[
            "hooks_sockets::inside::an_application_cannot_let_itself_out",
            "netns_workloads::a_process_of_a_workload_cannot_let_itself_go",
        ],
    ),
    case(47, "kernels from 5.10 on", &[])
        .without("`cargo xtask vm --tests` runs the tests of the hooks in them"),
    case(48, "no JIT, lockdown, locked memory on 5.10", &[]).without(
        "sysctl and boot parameters of a whole machine: for the machines with those kernels",
    ),
    case(
        49,
        "a container with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, without CAP_SYS_ADMIN",
        &[
            "hooks_sockets::capabilities::three_are_enough",
            "hooks_sockets::capabilities::none_of_them_can_be_missed",
            "netns_containers::a_daemon_without_cap_sys_admin_redirects",
        ],
    ),
    case(
        50,
        "uninstall leaves nothing",
        &[
            "hooks_sockets::lifetime::uninstalling_leaves_nothing",
            "netns_lifecycle::uninstall_leaves_nothing_of_a_dead_daemon_and_of_a_running_one",
            "hooks_sockets::targets::uninstalling_takes_the_route_out_of_every_namespace",
        ],
    ),
];
