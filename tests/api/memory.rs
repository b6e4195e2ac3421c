//! A service whose layers do not fit in its memory: the same answers, and none that rests on bytes that are no longer what they were.

use super::app::{TestApp, city, file::polygon};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use tuban::service::{Service, ServiceError};

/// Another service over the same store, started with no memory for layers.
async fn crammed(app: &TestApp) -> Service {
    app.another_service_with(|service| service.with_memory(0)).await
}

/// The prepared layers of a service.
fn prepared(app: &TestApp) -> Vec<PathBuf> {
    std::fs::read_dir(app.service.spool().with_extension("layers")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Turns over bytes of all prepared layers, a quarter of a file apart.
fn spoil(app: &TestApp) {
    for path in prepared(app) {
        let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
        let length = file.metadata().unwrap().len();
        for at in [length / 4, length / 2, length * 3 / 4] {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[!byte[0]], at).unwrap();
        }
    }
}

/// Oracle: the service that holds its layers in memory, bit for bit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_in_memory_is_read_from_disk_and_changes_no_answer() {
    let app = TestApp::city().await;
    let outlines = [city::square(), city::legal(), city::suspected(), city::other(), city::doubtful(), city::border_crossing()];
    let outlines = outlines.map(|ring| polygon(&[ring]).into_bytes());
    let expected = outlines.each_ref().map(|outline| app.service.check(outline).unwrap());
    let answers = |service: &Service| outlines.each_ref().map(|outline| service.check(outline).unwrap());
    // From the prepared layers, then from the store where those are gone, into files of its own.
    assert_eq!(answers(&crammed(&app).await), expected);
    for path in prepared(&app) {
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(answers(&crammed(&app).await), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prepared_layer_that_is_damaged_or_cut_short_is_made_again() {
    let app = TestApp::city().await;
    let outline = polygon(&[city::square()]).into_bytes();
    let expected = app.service.check(&outline).unwrap();
    let whole: Vec<(PathBuf, Vec<u8>)> = prepared(&app).into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    for cut in [None, Some(1), Some(9)] {
        match cut {
            None => spoil(&app),
            Some(cut) => whole.iter().for_each(|(path, bytes)| std::fs::write(path, &bytes[..bytes.len() - cut]).unwrap()),
        }
        assert_eq!(crammed(&app).await.check(&outline).unwrap(), expected);
        for (path, bytes) in &whole {
            assert!(std::fs::read(path).unwrap() == *bytes, "{cut:?} {}", path.display());
        }
    }
}

/// A prepared layer that another program made, or of another layer or plane, has the checksum it should have and yet is not what is wanted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prepared_layer_of_something_else_is_made_again() {
    let app = TestApp::city().await;
    let outline = polygon(&[city::square()]).into_bytes();
    let expected = app.service.check(&outline).unwrap();
    let whole: Vec<(PathBuf, Vec<u8>)> = prepared(&app).into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    // The first line says what it was made from: program, layer, plane. A program or a plane of another name is as long.
    let otherwise = |word: usize, bytes: &[u8]| {
        let line = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        let mut words: Vec<String> = String::from_utf8(bytes[..line].to_vec()).unwrap().split(' ').map(str::to_owned).collect();
        words[word] = words[word].bytes().map(|byte| if byte == b'1' { '2' } else { '1' }).collect();
        sealed(&[words.join(" ").as_bytes(), &bytes[line..bytes.len() - 8]].concat())
    };
    for changed in [2, 3, 6, 7] {
        whole.iter().for_each(|(path, bytes)| std::fs::write(path, otherwise(changed, bytes)).unwrap());
        assert_eq!(crammed(&app).await.check(&outline).unwrap(), expected, "word {changed}");
        assert!(whole.iter().all(|(path, bytes)| std::fs::read(path).unwrap() == *bytes), "word {changed}");
    }
    // Each has the next one's, whole and sound.
    for (n, (path, _)) in whole.iter().enumerate() {
        std::fs::write(path, &whole[(n + 1) % whole.len()].1).unwrap();
    }
    assert_eq!(crammed(&app).await.check(&outline).unwrap(), expected);
    assert!(whole.iter().all(|(path, bytes)| std::fs::read(path).unwrap() == *bytes));
}

/// The bytes with the checksum that belongs to them.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    [bytes, &twox_hash::XxHash3_64::oneshot(bytes).to_le_bytes()].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_that_is_damaged_while_it_is_read_from_disk_gives_an_error_and_then_heals() {
    let app = TestApp::city().await;
    let outline = polygon(&[city::square()]).into_bytes();
    let expected = app.service.check(&outline).unwrap();
    let service = crammed(&app).await;
    for path in prepared(&app) {
        std::fs::File::options().write(true).open(path).unwrap().set_len(100).unwrap();
    }
    assert!(matches!(service.check(&outline), Err(ServiceError::Io(_))));
    assert!(service.refresh_atlas().await.unwrap());
    assert_eq!(service.check(&outline).unwrap(), expected);
    assert!(!service.refresh_atlas().await.unwrap());
}
