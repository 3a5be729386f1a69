//! What every request shares: the engine, its connections, the queues, the users and the policy.

use std::{path::PathBuf, sync::Arc};

use crate::{
    access::Policy, admission::Admission, ffi::Engine, options::Limits, pool::ConnectionPool,
    running::Running, statistics::Statistics, users::Users,
};

/// The running service.
pub(crate) struct Service {
    pub(crate) engine: Engine,
    pub(crate) pool: ConnectionPool,
    pub(crate) running: Running,
    pub(crate) admission: Admission,
    pub(crate) statistics: Arc<Statistics>,
    pub(crate) limits: Limits,
    pub(crate) users: Users,
    pub(crate) policy: Policy,
    /// Where answers lie that are held until their end.
    pub(crate) temporary: PathBuf,
    /// The service is reached from this machine alone.
    pub(crate) loopback: bool,
}
