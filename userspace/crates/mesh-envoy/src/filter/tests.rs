use super::*;

#[test]
fn what_envoy_has_no_operator_for_is_written_as_absent() {
    let line = "%PROTOCOL% %FERROMESH_REASON%".to_owned();
    let members = vec![("why".to_owned(), line.clone())];
    for format in [AccessLogFormat::Text(line), AccessLogFormat::Json(members)] {
        let path = "/dev/stdout".to_owned();
        let log = access_log(Some(&AccessLog { path, format })).expect("a log");
        let rendered = log.to_string();
        assert!(rendered.contains("\"%PROTOCOL% -\""), "{rendered}");
        assert!(!rendered.contains("FERROMESH"), "{rendered}");
    }
}
