//! The registry as tasks share it: reading takes no lock for long, changes are made one after another.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use domain::Settings;
use parking_lot::RwLock;
use tokio::sync::{Mutex, watch};

use crate::{
    book::{Book, ChangeError, Revision},
    file::{DocumentFile, FileError},
};

/// The registry of one installation.
#[derive(Debug)]
pub struct Registry {
    /// `None` keeps nothing.
    file: Option<Arc<DocumentFile<Book>>>,
    book: RwLock<Arc<Book>>,
    changes: watch::Sender<Revision>,
    changing: Mutex<()>,
}

/// A change was not made.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// It is not possible.
    #[error(transparent)]
    Refused(#[from] ChangeError),
    /// It cannot be kept.
    #[error("the change cannot be kept")]
    File(#[from] FileError),
}

impl Registry {
    /// Opens the registry in the directory `dir`; an empty one where there is none.
    pub fn open(dir: &Path) -> Result<Arc<Self>, FileError> {
        let file = DocumentFile::open(dir)?;
        let book = file.read()?;
        Ok(Self::of(Some(Arc::new(file)), book))
    }

    /// A registry that is kept nowhere: for tests of those who use one.
    pub fn in_memory() -> Arc<Self> {
        Self::of(None, Book::default())
    }

    fn of(file: Option<Arc<DocumentFile<Book>>>, book: Book) -> Arc<Self> {
        Arc::new(Self {
            changes: watch::Sender::new(book.revision()),
            book: RwLock::new(Arc::new(book)),
            file,
            changing: Mutex::default(),
        })
    }

    /// The path of another file in its directory; `None` where it is kept nowhere.
    pub fn beside(&self, name: &str) -> Option<PathBuf> {
        self.file.as_ref().map(|file| file.beside(name))
    }

    /// Sets what holds where no level says anything: the service's own configuration. It is kept nowhere.
    pub fn stand_on(&self, base: Settings) {
        let mut book = self.book.write();
        *book = Arc::new(Book::clone(&book).on(base));
    }

    /// Its content now.
    pub fn book(&self) -> Arc<Book> {
        Arc::clone(&self.book.read())
    }

    /// The number of the last change that everybody sees.
    pub fn revision(&self) -> Revision {
        *self.changes.borrow()
    }

    /// Tells the number of each change, when it is durable.
    pub fn changes(&self) -> watch::Receiver<Revision> {
        self.changes.subscribe()
    }

    /// Makes a change. When this returns, it is on disk and everybody sees it; on an error nothing has changed. Once begun,
    /// it is finished, whether or not somebody waits for it.
    pub async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Book) -> Result<T, ChangeError> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let registry = Arc::clone(self);
        let changing = async move {
            let _turn = registry.changing.lock().await;
            let before = registry.book();
            let mut book = Book::clone(&before);
            let done = work(&mut book)?;
            if book.revision() == before.revision() {
                return Ok(done);
            }
            book.stamp(&before, now_ms());
            let book = Arc::new(book);
            if let Some(file) = registry.file.clone() {
                let writing = Arc::clone(&book);
                let written = tokio::task::spawn_blocking(move || file.write(&writing));
                written.await.expect("writing a file does not panic")?;
            }
            let revision = book.revision();
            *registry.book.write() = book;
            registry.changes.send_replace(revision);
            Ok(done)
        };
        tokio::spawn(changing)
            .await
            .expect("a change of the book does not panic")
    }
}

/// The time, ms since 1970.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use domain::DeviceId;

    use super::*;
    use crate::Patch;

    #[tokio::test]
    async fn a_change_is_in_the_file_when_it_is_acknowledged() {
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::open(dir.path()).unwrap();
        let mut changes = registry.changes();
        let room = DeviceId::parse("room").unwrap();
        let patch = Patch {
            name: Some("Küche".into()),
            ..Patch::default()
        };
        let id = room.clone();
        let revision = registry
            .change(move |book| Ok(book.patch(&id, patch, None)?.revision))
            .await;
        assert_eq!(revision.unwrap(), 1);
        assert_eq!(*changes.borrow_and_update(), 1);
        assert!(matches!(Registry::open(dir.path()), Err(FileError::InUse(_))));
        drop(registry);
        let again = Registry::open(dir.path()).unwrap();
        assert_eq!(again.book().device(&room).unwrap().name, "Küche");
    }

    #[tokio::test]
    async fn what_is_refused_or_cannot_be_written_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::open(dir.path()).unwrap();
        let refused = registry
            .change(|book| book.set_defaults(Settings::default(), Some(7)).map(drop))
            .await;
        assert!(matches!(
            refused,
            Err(RegistryError::Refused(ChangeError::Changed { now: 0 }))
        ));
        std::fs::create_dir(dir.path().join("registry.json.new")).unwrap();
        let unwritten = registry
            .change(|book| book.set_defaults(Settings::default(), None).map(drop))
            .await;
        assert!(matches!(
            unwritten,
            Err(RegistryError::File(FileError::Io { .. }))
        ));
        assert_eq!(registry.book().revision(), 0);
    }

    #[tokio::test]
    async fn what_people_changed_last_is_newer_than_rows_of_before() {
        let registry = Registry::in_memory();
        let room = DeviceId::parse("room").unwrap();
        let foreign = |last_seen| crate::Foreign {
            name: "theirs".into(),
            location: String::new(),
            settings: Settings::default(),
            last_seen,
        };
        let before = now_ms() - 1_000;
        let patch = Patch {
            name: Some("ours".into()),
            ..Patch::default()
        };
        let id = room.clone();
        registry
            .change(move |book| book.patch(&id, patch, None).map(drop))
            .await
            .unwrap();
        assert!(!registry.book().would_adopt(&room, &foreign(before)));
        let later = now_ms() + 10_000;
        assert!(registry.book().would_adopt(&room, &foreign(later)));
        let id = room.clone();
        registry
            .change(move |book| book.adopt(&id, foreign(later)))
            .await
            .unwrap();
        // Taken over is not changed by people: the next row counts by its own time.
        assert!(registry.book().device(&room).unwrap().changed_at < later);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_no_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.json");
        std::fs::write(&path, "{\"format\": 1, ").unwrap();
        assert!(matches!(
            Registry::open(dir.path()),
            Err(FileError::Damaged { .. })
        ));
        let newer = "{\"program\": \"9.1.0\", \"format\": 2, \"planets\": []}";
        std::fs::write(&path, newer).unwrap();
        let error = Registry::open(dir.path()).unwrap_err();
        assert!(matches!(error, FileError::Newer { found: 2, .. }));
        let said = error.to_string();
        for words in [
            "written by Casement 9.1.0",
            "newer version",
            "backup",
            "nothing was changed",
        ] {
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), newer);
    }

    #[tokio::test]
    async fn the_file_says_which_version_wrote_it_and_reads_without_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.json");
        let registry = Registry::open(dir.path()).unwrap();
        let room = DeviceId::parse("room").unwrap();
        registry
            .change(move |book| book.patch(&room, Patch::default(), None).map(|_| ()))
            .await
            .unwrap();
        drop(registry);
        let written = std::fs::read_to_string(&path).unwrap();
        let program = format!("\"program\": \"{}\",", env!("CARGO_PKG_VERSION"));
        assert!(written.contains(&program), "{written}");
        std::fs::write(&path, written.replace(&program, "")).unwrap();
        assert!(Registry::open(dir.path()).is_ok());
    }
}
