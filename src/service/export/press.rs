//! A file being written on a thread of its own, page by page, while the next page is read.

use crate::formats::writing::{Cell, Layout, begin};
use crate::service::{Service, ServiceError};
use std::borrow::Cow;
use std::fs::File;
use std::io::Seek;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tuban_geom::Outline;

/// A feature as it is written: a cell for each column, and its outline.
pub(super) type Row<'t> = (Vec<Cell<'t>>, Cow<'t, Outline>);

/// What the writing thread is told.
enum Told<T> {
    /// Write these.
    Page(Vec<T>),
    /// That was all. Without it the request has ended, and the file is thrown away.
    Finish,
}

/// The thread, and the way to it.
pub(super) struct Press<T> {
    told: mpsc::Sender<Told<T>>,
    written: JoinHandle<Result<File, ServiceError>>,
}

impl<T: Send + 'static> Press<T> {
    /// Starts a file; `row` makes a feature of what is pushed.
    pub fn start(service: &Service, layout: Layout, row: impl Fn(&T) -> Result<Row<'_>, ServiceError> + Send + 'static) -> Self {
        let (told, mut hears) = mpsc::channel(2);
        let workshop = service.workshop().clone();
        let written = tokio::task::spawn_blocking(move || {
            let mut writer = begin(&workshop, &layout)?;
            while let Some(told) = hears.blocking_recv() {
                let Told::Page(page) = told else {
                    let mut file = writer.finish()?;
                    file.rewind()?;
                    return Ok(file);
                };
                for feature in &page {
                    let (cells, outline) = row(feature)?;
                    writer.push(&cells, &outline)?;
                }
            }
            Err(ServiceError::Broken("an export was left before its end".to_owned()))
        });
        Self { told, written }
    }

    /// Hands on a page; false where writing has failed: [`finish`](Self::finish) tells why.
    pub async fn push(&self, page: Vec<T>) -> bool {
        self.told.send(Told::Page(page)).await.is_ok()
    }

    /// Hands a page over from synchronous code. After a failure pages are dropped.
    pub fn push_blocking(&self, page: Vec<T>) {
        let _ = tokio::task::block_in_place(|| self.told.blocking_send(Told::Page(page)));
    }

    /// The whole file, at its beginning.
    pub async fn finish(self) -> Result<File, ServiceError> {
        let _ = self.told.send(Told::Finish).await;
        self.written.await.map_err(|error| ServiceError::Broken(error.to_string()))?
    }
}
