use super::Stats;

#[test]
fn reads_counters_whose_names_have_colons_and_leaves_histograms_out() {
    let text = "cluster.a.upstream_rq_total: 7\n\
                listener.[::]:15001.downstream_cx_total: 2\n\
                cluster.a.upstream_rq_time: P0(nan,1) P25(nan,1)\n";
    let stats = Stats::parse(text);
    assert_eq!(stats.value("cluster.a.upstream_rq_total"), 7);
    assert_eq!(stats.value("listener.[::]:15001.downstream_cx_total"), 2);
    assert_eq!(stats.value("cluster.a.upstream_rq_time"), 0);
    assert_eq!(stats.value("never.counted"), 0);
}
