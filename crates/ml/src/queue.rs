//! Requests that wait for a worker: one for each device, the newest.
//!
//! In: a job with its device. Out: jobs in the order in which their devices began to wait, never two of one device at a
//! time, so that an older answer cannot overtake a newer one. Bounded: the device that waited longest gives way.

use std::collections::{HashMap, HashSet, VecDeque};

use domain::DeviceId;
use parking_lot::{Condvar, Mutex};

/// What became of another request when a new one came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Displaced<T> {
    /// Nothing: there was room.
    Nobody,
    /// The same device's older request.
    Superseded(T),
    /// The request that waited longest, of another device.
    Oldest(T),
}

struct State<T> {
    waiting: HashMap<DeviceId, T>,
    order: VecDeque<DeviceId>,
    busy: HashSet<DeviceId>,
    closed: bool,
}

/// Jobs that wait for a worker.
pub(crate) struct JobQueue<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
    capacity: usize,
}

impl<T> JobQueue<T> {
    /// Room for `capacity` devices.
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State {
            waiting: HashMap::new(),
            order: VecDeque::new(),
            busy: HashSet::new(),
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            ready: Condvar::new(),
            capacity: capacity.max(1),
        }
    }

    /// Leaves a job for a worker.
    pub(crate) fn offer(&self, device_id: DeviceId, job: T) -> Displaced<T> {
        let mut state = self.state.lock();
        if let Some(waiting) = state.waiting.get_mut(&device_id) {
            return Displaced::Superseded(std::mem::replace(waiting, job));
        }
        let mut displaced = Displaced::Nobody;
        if state.waiting.len() >= self.capacity {
            // Those of busy devices are not in the order; they cannot fill the room alone unless it is tiny.
            if let Some(old) = state
                .order
                .pop_front()
                .and_then(|longest| state.waiting.remove(&longest))
            {
                displaced = Displaced::Oldest(old);
            }
        }
        if !state.busy.contains(&device_id) {
            state.order.push_back(device_id.clone());
            self.ready.notify_one();
        }
        state.waiting.insert(device_id, job);
        displaced
    }

    /// The next job; waits for one. `None` once the queue is closed. [`Self::done`] must follow.
    pub(crate) fn take(&self) -> Option<(DeviceId, T)> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(device_id) = state.order.pop_front() {
                let job = state
                    .waiting
                    .remove(&device_id)
                    .expect("whoever is in the order has a job");
                state.busy.insert(device_id.clone());
                return Some((device_id, job));
            }
            self.ready.wait(&mut state);
        }
    }

    /// The device's job is finished; its next one may start.
    pub(crate) fn done(&self, device_id: &DeviceId) {
        let mut state = self.state.lock();
        state.busy.remove(device_id);
        if state.waiting.contains_key(device_id) {
            state.order.push_back(device_id.clone());
            self.ready.notify_one();
        }
    }

    /// No more jobs: what waits is dropped, workers end.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.waiting.clear();
        state.order.clear();
        self.ready.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn device(name: &str) -> DeviceId {
        DeviceId::parse(name).unwrap()
    }

    #[test]
    fn the_newest_of_a_device_wins_and_keeps_its_place() {
        let queue = JobQueue::new(10);
        assert_eq!(queue.offer(device("a"), 1), Displaced::Nobody);
        assert_eq!(queue.offer(device("b"), 2), Displaced::Nobody);
        assert_eq!(queue.offer(device("a"), 3), Displaced::Superseded(1));
        assert_eq!(queue.take(), Some((device("a"), 3)));
        assert_eq!(queue.take(), Some((device("b"), 2)));
    }

    #[test]
    fn a_device_is_never_served_twice_at_once() {
        let queue = JobQueue::new(10);
        queue.offer(device("a"), 1);
        assert_eq!(queue.take(), Some((device("a"), 1)));
        queue.offer(device("a"), 2);
        queue.offer(device("b"), 3);
        assert_eq!(queue.take(), Some((device("b"), 3)));
        queue.done(&device("a"));
        assert_eq!(queue.take(), Some((device("a"), 2)));
    }

    #[test]
    fn a_full_queue_drops_who_waited_longest() {
        let queue = JobQueue::new(2);
        queue.offer(device("a"), 1);
        queue.offer(device("b"), 2);
        assert_eq!(queue.offer(device("c"), 3), Displaced::Oldest(1));
        assert_eq!(queue.take(), Some((device("b"), 2)));
        assert_eq!(queue.take(), Some((device("c"), 3)));
    }

    #[test]
    fn closing_wakes_the_workers() {
        let queue = std::sync::Arc::new(JobQueue::<u8>::new(2));
        let worker = std::thread::spawn({
            let queue = std::sync::Arc::clone(&queue);
            move || queue.take()
        });
        queue.close();
        assert_eq!(worker.join().unwrap(), None);
    }

    proptest! {
        /// Against a plain model: every job is served or displaced, exactly once, a device's in order.
        #[test]
        fn every_job_is_accounted_for(steps in prop::collection::vec((0_u8..3, 0_usize..6), 1..200), capacity in 1_usize..8) {
            let queue = JobQueue::new(capacity);
            let names: Vec<DeviceId> = (0..6).map(|i| device(&format!("d{i}"))).collect();
            let (mut offered, mut ended, mut busy) = (0_usize, Vec::new(), Vec::new());
            let mut last = [None; 6];
            for (step, who) in steps {
                if step == 0 {
                    match queue.offer(names[who].clone(), (who, offered)) {
                        Displaced::Nobody => {}
                        Displaced::Superseded(job) | Displaced::Oldest(job) => ended.push(job.1),
                    }
                    offered += 1;
                } else if step == 1 && !queue.state.lock().order.is_empty() {
                    let (device_id, (who, number)) = queue.take().unwrap();
                    prop_assert!(!busy.contains(&device_id));
                    prop_assert!(last[who] < Some(number));
                    last[who] = Some(number);
                    busy.push(device_id);
                    ended.push(number);
                } else if let Some(device_id) = busy.pop() {
                    queue.done(&device_id);
                }
            }
            let waiting = queue.state.lock().waiting.len();
            ended.sort_unstable();
            ended.dedup();
            prop_assert_eq!(ended.len() + waiting, offered);
        }
    }
}
