//! Threads for what computes: never those that sockets are waited for on, and a bounded number at a time. Who comes first is
//! served first.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::Error;

/// A number of workers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pool {
    workers: Arc<Semaphore>,
}

impl Pool {
    /// As many as this work at a time.
    pub fn new(workers: usize) -> Self {
        Self { workers: Arc::new(Semaphore::new(workers)) }
    }

    /// Waits for a worker, then for its work. Given up before it has begun, it never begins.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| Error::Ended)?;
        with(worker, work).await
    }

    /// Begins only where a worker has nothing to do.
    pub fn run_idle<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(
        &self,
        work: F,
    ) -> Option<impl Future<Output = Result<T, Error>> + use<T, F>> {
        let worker = Arc::clone(&self.workers).try_acquire_owned().ok()?;
        Some(with(worker, work))
    }
}

/// Begins at once, whether or not it is waited for.
fn with<T: Send + 'static>(
    worker: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, Error>> {
    let task = spawn_blocking(move || {
        let result = work();
        drop(worker);
        result
    });
    // A panic in the work has unwound, and is this one's error.
    async { task.await.map_err(|e| Error::Run(e.to_string())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_work_than_there_are_workers() {
        let pool = Pool::new(1);
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let busy = pool.run_idle(move || wait.recv().is_ok()).unwrap();
        assert!(pool.run_idle(|| ()).is_none());
        let mut waiting = std::pin::pin!(pool.run(|| 2));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        release.send(()).unwrap();
        assert_eq!(busy.await, Ok(true));
        assert_eq!(waiting.await, Ok(2));
        assert!(matches!(pool.run(|| panic!("a fault")).await, Err::<(), _>(Error::Run(_))));
        assert_eq!(pool.run(|| 3).await, Ok(3));
    }
}
