//! 14 to 30: workloads, proxies, daemons and maps that come, go, or are full.

use super::{EdgeCase, case};

pub(super) const LIFECYCLE: &[EdgeCase] = &[
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
];
