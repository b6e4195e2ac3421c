//! `tuban-ogr`: the only program of the house that links GDAL. One process for each file.
//!
//! 1. The job comes as one line of JSON on stdin ([`Job`]).
//! 2. The process gives up what the job does not need ([`confine`]): memory, time, files, folders, the network.
//! 3. It reads that one file and answers in frames on stdout ([`frames`]), or makes one from what follows on stdin ([`write`](mod@write)). What goes wrong is a frame, too; whatever else ends the process
//!    is told by its exit status, and the service draws its conclusions.
//!
//! It decides nothing: which driver, which layer, which text encoding and what to make of the coordinates are the service's affair.

mod complaints;
mod confine;
mod digits;
mod fault;
mod frames;
mod last_words;
mod raw;
mod read;
mod sink;
mod tables;
mod text;
mod write;

use frames::Frames;
use std::io::{BufRead, BufReader, Read};
use std::process::ExitCode;
use tuban_ogr_protocol::{Job, Task, Trouble, frame};

fn main() -> ExitCode {
    let mut input = BufReader::new(std::io::stdin());
    let mut out = Frames::new(std::io::stdout());
    match work(&mut input, &mut out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            // Where nobody listens any more there is nobody to tell.
            let _ = out.json(frame::TROUBLE, &trouble);
            ExitCode::FAILURE
        }
    }
}

fn work(input: &mut impl BufRead, out: &mut Frames) -> Result<(), Trouble> {
    let mut line = String::new();
    input.read_line(&mut line).map_err(|error| Trouble::new("job", error))?;
    let job: Job = serde_json::from_str(&line).map_err(|error| Trouble::new("job", error))?;
    let confinement = confine::confine(&job)?;
    out.fault = job.fault;
    last_words::tell_of_memory();
    if matches!(job.task, Task::Read(_)) {
        std::thread::spawn(end_with_the_service);
    }
    fault::act(job.fault, out);
    raw::set_up(&job.driver)?;
    if job.driver == "GPKG" {
        tables::bound(&job.bounds);
    }
    match &job.task {
        Task::Read(wish) => read::read(&job, wish, confinement, out),
        Task::Write(wish) => write::write(&job, wish, input, out),
    }
}

/// Nothing follows the job on the stdin of who reads, but the service keeps it open: once it is closed nobody is left to read for.
fn end_with_the_service() {
    while std::io::stdin().read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
    std::process::abort();
}
