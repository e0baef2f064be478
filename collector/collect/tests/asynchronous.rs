//! The collector in a task of tokio's.

mod flood;

use flood::flood;
use iobring_collect::{Builder, Client, Collector, Event, Process};
use iobring_oracle::watchdog::Watchdog;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Each event by a future of its own, many of which are dropped before they are ready: nothing is lost, and the end comes.
#[tokio::test]
async fn everything_is_told_and_it_ends_when_it_is_stopped() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    let mut collector = Builder::new().capacity(64 * 1024).bind(&path).unwrap().into_async().unwrap();
    let stopper = collector.stopper();
    let writer = thread::spawn(move || flood(&path));
    let (mut told, mut lost) = (0, 0);
    loop {
        let next = tokio::select! {
            biased;
            () = tokio::task::yield_now() => continue,
            next = collector.next_event() => next,
        };
        match next.unwrap() {
            Some(Event::Record(_)) => told += 1,
            Some(Event::Lost(loss)) => lost += loss.records,
            Some(_) => {}
            None => break,
        }
        if told == 1000 {
            stopper.stop();
        }
    }
    assert_eq!([told, lost], writer.join().unwrap());
    assert!(collector.next_event().await.unwrap().is_none());
}

/// By its descriptor: the clock, by which it looks every half second too, stands still.
#[tokio::test(start_paused = true)]
async fn a_sleeping_task_is_woken_by_a_connection_a_record_an_end_and_a_stop() {
    let watchdog = Watchdog::new("a collector in a task");
    // A clock that stands goes on where the runtime is idle, but not as long as this is there.
    let (working, works) = std::sync::mpsc::channel::<()>();
    let work = tokio::task::spawn_blocking(move || works.recv());
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    let mut collector = Collector::bind(&path).unwrap().into_async().unwrap();
    let (to_writer, orders) = std::sync::mpsc::channel();
    let writer = thread::spawn(move || {
        let client = Client::connect(path).unwrap();
        orders.recv().unwrap();
        client.send(b"hello").unwrap();
        orders.recv().unwrap();
    });
    assert!(matches!(collector.next_event().await.unwrap(), Some(Event::Joined(_))));
    to_writer.send(()).unwrap();
    assert!(matches!(collector.next_event().await.unwrap(), Some(Event::Record(record)) if record.message == b"hello"));
    to_writer.send(()).unwrap();
    assert!(matches!(collector.next_event().await.unwrap(), Some(Event::Left(left)) if left.records == 1));
    writer.join().unwrap();

    let (_, here) = collector.get_mut().writer_of(Process::this(0, "here")).unwrap();
    assert!(matches!(collector.next_event().await.unwrap(), Some(Event::Joined(_))));
    // It is asleep by the time that it is stopped, mostly.
    let stopper = collector.stopper();
    let stopping = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        here.send(b"last").unwrap();
        stopper.stop();
    });
    assert!(matches!(collector.next_event().await.unwrap(), Some(Event::Record(record)) if record.message == b"last"));
    while collector.next_event().await.unwrap().is_some() {}
    stopping.join().unwrap();
    drop(working);
    work.await.unwrap().unwrap_err();
    drop(watchdog);
}
