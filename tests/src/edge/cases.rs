//! The table of the fifty.

use super::{EdgeCase, case};

/// All of them, in order.
pub const CASES: &[EdgeCase] = &[
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
            "hooks_sockets::ways::a_link_local_address_of_an_unknown_link_is_left_alone",
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
    case(
        14,
        "a socket made before its process was enrolled, or handed over",
        &[
            "hooks_sockets::made_outside::sockets_made_before_the_process_was_moved_in_are_found",
            "hooks_sockets::made_outside::sockets_passed_into_a_workload_are_found",
            "hooks_sockets::made_outside::strict_closes_what_evades_the_rules_and_nothing_else",
            "hooks_sockets::made_outside::the_kernel_lists_sockets_as_they_are",
        ],
    ),
    case(
        15,
        "a process that moves between cgroups",
        &["hooks_sockets::made_outside::a_socket_stays_with_the_cgroup_that_it_was_made_in"],
    ),
    case(
        16,
        "a workload in the network namespace of the host",
        &[
            "netns_workloads::workloads_of_one_namespace_need_ports_of_their_own_and_then_run_side_by_side",
        ],
    ),
    case(
        17,
        "workloads with equal addresses and ports in different namespaces",
        &[
            "hooks_sockets::namespaces::equal_tuples_are_told_apart",
            "hooks_sockets::namespaces::one_workload_s_proxy_and_rules_are_not_another_s",
            "netns_workloads::workloads_with_equal_addresses_and_ports_are_kept_apart",
        ],
    ),
    case(
        18,
        "an application that starts before the proxy",
        &[
            "netns_armed::an_armed_workload_is_refused_until_a_daemon_serves_it",
            "netns_armed::a_workload_that_bypasses_is_armed_all_the_same",
            "netns_armed::the_workloads_of_an_enrolment_file_are_armed_in_their_namespaces",
            "hooks_sockets::down::refused_by_a_proxy_that_never_beat",
        ],
    ),
    case(
        19,
        "the proxy killed amid traffic, in both modes",
        &[
            "netns_failure::a_killed_daemon_means_refused_for_the_workload_and_nothing_for_anyone_else",
            "netns_failure::with_bypass_a_killed_daemon_means_that_connections_go_direct",
            "netns_failure::connections_that_wait_while_the_daemon_starts_again_are_not_misrouted",
            "hooks_sockets::down::refused_without_a_listener",
            "hooks_sockets::down::bypassed_without_a_listener",
            "hooks_sockets::ingress::refused_without_the_proxy",
            "hooks_sockets::ingress::bypassed_without_the_proxy",
        ],
    ),
    case(
        20,
        "a proxy that lives and does not accept",
        &[
            "netns_failure::a_daemon_that_hangs_counts_as_down_and_as_up_when_it_runs_on",
            "netns_hung::what_a_hung_daemon_holds_is_reset",
            "netns_hung::with_bypass_a_hung_daemon_means_that_connections_go_direct",
            "netns_starved::a_daemon_out_of_descriptors_counts_as_down_until_it_has_some",
            "netns_starved::with_bypass_connections_go_round_a_daemon_out_of_descriptors",
            "netns_busy::a_busy_machine_does_not_make_the_daemon_count_as_down",
            "hooks_sockets::down::refused_when_the_heartbeat_is_over",
            "hooks_sockets::down::bypassed_when_the_heartbeat_is_over",
            "hooks_sockets::silence::what_a_silent_proxy_holds_is_reset_and_nothing_of_another_workload",
            "hooks_sockets::silence::a_proxy_that_is_said_to_hang_is_silent_at_once",
            "hooks_sockets::silence::a_proxy_that_has_beaten_again_keeps_what_it_holds",
        ],
    ),
    case(
        21,
        "the daemon killed: what is attached stays",
        &[
            "hooks_sockets::lifetime::programs_stay_when_the_daemon_ends",
            "netns_failure::a_daemon_that_starts_again_takes_its_pins_up",
            "hooks_sockets::lifetime::a_report_from_the_pins_alone",
            "hooks_sockets::bytes::edges::live_connections_are_listed_without_a_daemon",
        ],
    ),
    case(22, "a new version of the daemon under load", &[]).without(
        "replacing a running daemon without a gap is not built yet: a restart follows the mode",
    ),
    case(
        23,
        "a change of the maps' layout",
        &["hooks_sockets::lifetime::maps_of_another_version_are_not_touched"],
    )
    .without("taking another layout over is not built yet: it is refused and told"),
    case(
        24,
        "a pin whose cgroup is gone",
        &["hooks_sockets::lifetime::a_cgroup_that_went_and_came_back_is_attached_again"],
    ),
    case(
        25,
        "a workload that ends leaves neither entry nor link",
        &[
            "hooks_sockets::lifetime::a_released_workload_is_as_it_was",
            "netns_workloads::a_workload_whose_cgroup_is_removed_is_let_go_with_all_that_was_its",
            "hooks_sockets::ingress::a_released_workload_takes_its_connections_itself",
            "hooks_sockets::targets::the_route_stays_while_connections_of_a_released_workload_go_by_it",
            "hooks_sockets::switch::a_workload_that_is_released_leaves_its_switch_to_nobody",
            "hooks_sockets::names::names_end_with_the_connection",
        ],
    ),
    case(
        26,
        "the table of flows is full",
        &[
            "hooks_sockets::limits::a_flow_that_does_not_fit_has_no_origin",
            "hooks_sockets::limits::a_connection_that_does_not_fit_works_and_is_not_listed",
            "hooks_sockets::limits::full_maps_keep_the_rules_that_were_in_force",
            "hooks_sockets::egress::nothing_is_left_of_flows",
            "hooks_sockets::egress::a_flow_that_nobody_accepts_ends_with_its_socket",
        ],
    ),
    case(
        27,
        "the buffer of closing records is full",
        &["hooks_sockets::limits::closing_records_that_nobody_reads_are_counted"],
    ),
    case(28, "another load balancer on the same hooks, before and after", &[])
        .without("other programs on the same hooks are not looked for yet"),
    case(29, "cgroup v1 beside v2 with net_cls, on 5.10 and 5.15", &[]).without(
        "net_cls takes the place of the socket's cgroup before 5.15: for the machines with those kernels",
    ),
    case(
        30,
        "cgroup namespaces in cgroup namespaces, as in kind",
        &[
            "hooks_sockets::nested::a_cgroup_namespace_within_another_is_part_of_the_workload",
            "netns_containers::a_daemon_in_the_container_of_a_node_redirects_its_pods",
            "hooks_sockets::nested::a_workload_within_another_is_refused_and_the_other_stays",
        ],
    ),
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
    case(32, "a connect by io_uring", &["hooks_sockets::ways::io_uring_is_redirected"]),
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
    case(48, "no JIT, lockdown, locked memory on 5.10", &[])
        .without("sysctl and boot parameters of a whole machine: for the machines with those kernels"),
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
