//! What an application can do about its own redirection: nothing.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use tests::capability::BPFFS;

use crate::stage::{FAR_V4, Proxy, assert_counted, plays};

/// Every file below a directory.
fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

plays! {
    fn an_application_cannot_let_itself_out(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application_as(4242, 4242);
        // Out of the cgroup by itself.
        let outside = [stage.proxy_cgroup.clone(), tests::cgroup::mount_point().unwrap()];
        for cgroup in &outside {
            let refusal = application.ask(&format!("join {}", cgroup.display())).unwrap_err();
            assert!(refusal.starts_with("PermissionDenied"), "{refusal}");
        }
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (_stream, origin) = proxy.accept(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
        assert_counted(&instance, "egress redirected matched", 1);
        // Rules, switch, heartbeat and links are files of root's, for nobody else.
        let pins = files(&Path::new(BPFFS).join("ferromesh").join(&stage.name));
        assert!(pins.len() > 20, "{pins:?}");
        for pin in pins {
            let metadata = fs::metadata(&pin).unwrap();
            assert_eq!((metadata.uid(), metadata.mode() & 0o077), (0, 0), "{}", pin.display());
        }
    }
}
