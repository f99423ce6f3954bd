use super::{kibibytes, of, processor_ticks, softirq_ticks};

#[test]
fn reads_the_processor_time_behind_a_name_with_parentheses() {
    let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 9 0 0";
    assert_eq!(processor_ticks(stat), Some(300));
}

#[test]
fn reads_the_soft_interrupts_of_all_processors() {
    let stat = "cpu  1 2 3 4 5 6 77 8 0 0\ncpu0 1 2 3 4 5 6 70 8 0 0\n";
    assert_eq!(softirq_ticks(stat), Some(77));
}

#[test]
fn reads_a_size_and_takes_no_other_field_for_it() {
    let status = "VmRSSx:\t1 kB\nVmHWM:\t     200 kB\nVmRSS:\t     100 kB\n";
    assert_eq!(kibibytes(status, "VmRSS"), Some(100));
    assert_eq!(kibibytes(status, "VmHWM"), Some(200));
    assert_eq!(kibibytes(status, "VmSwap"), None);
}

#[test]
fn a_running_process_has_memory_and_never_more_than_its_peak() {
    let usage = of(std::process::id()).expect("this process runs");
    assert!(usage.resident > 0);
    assert!(usage.resident <= usage.peak);
}
