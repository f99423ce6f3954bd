use super::*;

#[test]
fn trouble_is_spoken_of_when_it_begins_when_it_is_another_and_every_minute() {
    let mut spoken = Spoken::default();
    let began = Instant::now();
    let mut said =
        |text: &str, seconds: u64| spoken.is_due(text, began + Duration::from_secs(seconds));
    assert!(said("silent", 0));
    assert!(!said("silent", 5));
    assert!(said("NXDOMAIN", 10));
    assert!(!said("NXDOMAIN", 69));
    assert!(said("NXDOMAIN", 70));
    assert!(!said("NXDOMAIN", 75));
    assert!(said("silent", 80));
    spoken.well("b");
    assert!(spoken.is_due("silent", began));
}

#[test]
fn that_all_is_in_other_zones_is_said_once_until_it_is_otherwise() {
    let mut spoken = Spoken::default();
    let said = [false, true, true, false, true].map(|now| spoken.is_news_of_zones(now));
    assert_eq!(said, [false, true, false, false, true]);
}
