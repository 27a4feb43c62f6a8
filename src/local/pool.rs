//! Threads for computation: off the async threads, and a bounded number at a time, first come, first served.

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
    /// Makes a pool in which so many run at a time.
    pub fn new(workers: usize) -> Self {
        Self { workers: Arc::new(Semaphore::new(workers)) }
    }

    /// Waits for a worker, and returns the result of `work`. If the future is dropped before a worker is free, `work` never runs.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| Error::Ended)?;
        spawn(worker, work).await
    }

    /// Starts `work` if a worker is idle, otherwise returns `None`.
    pub fn run_idle<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(
        &self,
        work: F,
    ) -> Option<impl Future<Output = Result<T, Error>> + use<T, F>> {
        let worker = Arc::clone(&self.workers).try_acquire_owned().ok()?;
        Some(spawn(worker, work))
    }
}

/// Starts `work` at once, even if the returned future is never polled.
fn spawn<T: Send + 'static>(
    worker: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, Error>> {
    let task = spawn_blocking(move || {
        let result = work();
        drop(worker);
        result
    });
    // A panic of `work` becomes the error of this one result.
    async { task.await.map_err(|e| Error::Run(e.to_string())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pool_runs_no_more_than_its_workers_and_survives_a_panic() {
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
