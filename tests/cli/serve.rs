//! `tuban serve`.

use super::{app::city, done, run, tuban};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A service of the program; killed when dropped.
pub(super) struct Serving {
    pub(super) child: Child,
    pub(super) address: String,
    note: String,
}

impl Serving {
    /// Starts one and reads what it says first.
    fn start(folder: &Path, listen: &str) -> Self {
        Self::start_with(folder, &["--listen", listen])
    }

    pub(super) fn start_with(folder: &Path, options: &[&str]) -> Self {
        Self::started(tuban(folder, &[&["serve"], options].concat()))
    }

    /// Starts that command and reads what it says first.
    pub(super) fn started(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = || lines.next().unwrap().unwrap();
        Self { address: next(), note: next(), child }
    }

    /// Sends it a signal, by name.
    pub(super) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn it_says_where_it_listens_and_to_whom_and_stops_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut serving = Serving::start(folder.path(), "127.0.0.1:0");
    assert!(serving.address.starts_with("http://127.0.0.1:") && !serving.address.ends_with(":0"), "{}", serving.address);
    assert!(serving.note.contains("this machine only") && serving.note.contains("--listen"), "{}", serving.note);
    let health = reqwest::get(format!("{}/health", serving.address)).await.unwrap();
    assert_eq!(health.text().await.unwrap(), r#"{"status":"ok"}"#);
    // What another process takes in is seen.
    std::fs::write(folder.path().join("s.geojson"), city::one_of_each().text()).unwrap();
    done(folder.path(), &["survey", "add", "--period", "2022-04", "--level", "city", "s.geojson"]);
    let surveys: serde_json::Value = reqwest::get(format!("{}/api/surveys", serving.address)).await.unwrap().json().await.unwrap();
    assert_eq!(surveys["surveys"][0]["patches"], 4);
    // SIGTERM, as a service manager sends it.
    serving.signal("TERM");
    assert!(serving.child.wait().unwrap().success());
}

#[tokio::test]
async fn the_city_has_the_name_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    for (options, name) in [(&["--city", "望溪市"][..], serde_json::json!("望溪市")), (&[], serde_json::json!(null))] {
        let serving = Serving::start_with(folder.path(), &[&["--listen", "127.0.0.1:0"], options].concat());
        let about: serde_json::Value = reqwest::get(format!("{}/api/about", serving.address)).await.unwrap().json().await.unwrap();
        assert_eq!(about["city"], name);
    }
}

/// A proxy in front asks every second or so, and must hear no before the door is shut.
#[tokio::test]
async fn asked_to_stop_it_says_so_for_as_long_as_it_was_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start_with(folder.path(), &["--listen", "127.0.0.1:0", "--drain", "600"]);
    let status = async |path: &str| reqwest::get(format!("{}{path}", serving.address)).await.unwrap().status().as_u16();
    assert_eq!(status("/ready").await, 200);
    assert!(Command::new("kill").arg(serving.child.id().to_string()).status().unwrap().success());
    while status("/ready").await != 503 {}
    assert_eq!((status("/health").await, status("/api/about").await), (200, 200));
}

/// Nobody reads what it prints, as behind `tuban serve | head -0`: that is no reason to stop.
#[tokio::test]
async fn its_log_is_an_object_a_line_with_the_id_of_the_request() {
    let folder = tempfile::tempdir().unwrap();
    let (nobody, stdout) = std::io::pipe().unwrap();
    drop(nobody);
    let mut child = tuban(folder.path(), &["--log", "json", "serve", "--listen", "127.0.0.1:0"]).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut said = |word: &str| -> serde_json::Value { serde_json::from_str(&lines.find(|line| line.contains(word)).unwrap()).unwrap() };
    let address = said("listening")["address"].as_str().unwrap().to_owned();
    let client = reqwest::Client::new();
    client.get(format!("http://{address}/api/nothing?secret=1")).header("x-request-id", "night-shift-7").send().await.unwrap();
    let said = said("/api/nothing");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((&said["span"]["id"], &said["message"], &said["level"]), (&"night-shift-7".into(), &"answered".into(), &"INFO".into()));
    assert_eq!((&said["method"], &said["path"], &said["status"], &said["code"]), (&"GET".into(), &"/api/nothing".into(), &404.into(), &"not_found".into()));
}

#[test]
fn uploads_and_job_folders_left_by_a_killed_program_are_swept_and_those_of_a_living_one_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("tuban.spool");
    std::fs::create_dir(&spool).unwrap();
    let files = ["survey-abandoned", "survey-living", "notes.txt"].map(|name| std::fs::File::create(spool.join(name)).unwrap());
    files[1].lock().unwrap();
    let folders = ["tuban-job-abandoned", "tuban-job-living", "tuban-uploads-abandoned"].map(|name| spool.join(name));
    for folder in &folders {
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join("data.shp"), "unpacked").unwrap();
    }
    let living = std::fs::File::open(&folders[1]).unwrap();
    living.lock().unwrap();
    let _serving = Serving::start(folder.path(), "127.0.0.1:0");
    let mut left: Vec<String> = std::fs::read_dir(&spool).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["notes.txt", "survey-living", "tuban-job-living"]);
}

#[test]
fn beyond_this_machine_it_warns() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), "0.0.0.0:0");
    assert!(serving.note.starts_with("WARNING") && serving.note.contains("no accounts"), "{}", serving.note);
}

#[test]
fn an_address_in_use_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, said, complained) = run(folder.path(), &["serve", "--listen", &address]);
    assert!(code == 1 && said.is_empty() && complained.contains(&address), "{code} {complained}");
    assert_eq!(run(folder.path(), &["serve", "--listen", "here"]).0, 2);
}
