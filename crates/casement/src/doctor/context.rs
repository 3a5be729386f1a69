//! What the checks stand on: the configuration, and the service that runs, if one does.

use std::time::Duration;

use serde_json::Value;

use crate::{
    asking::{self, Client},
    config::Config,
    page_urls::PageUrls,
};

/// How long one question takes at most.
const QUESTION: Duration = Duration::from_millis(2_500);
/// The same where somebody waits for a health check.
const QUICK_QUESTION: Duration = Duration::from_millis(600);

/// Which role an installation has on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Setup {
    /// `casement up`
    Up,
    /// `casement backend`
    Backend,
    /// `casement ml`
    Ml,
    /// `casement engine`
    Engine,
}

/// What is examined.
pub(crate) struct Target {
    pub(crate) config: Config,
    pub(crate) setup: Setup,
    pub(crate) quick: bool,
    pub(crate) token: Option<String>,
    /// Whether the page is where the configuration says, and not where the last start was.
    pub(crate) page_is_named: bool,
}

/// What the checks stand on.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) setup: Setup,
    pub(crate) client: Client,
    /// The URL of the service that runs; `None` where none answers.
    pub(crate) service: Option<String>,
    /// Where it was looked for.
    pub(crate) urls: Vec<String>,
}

impl Context {
    /// Looks whether a service runs. It waits for answers.
    pub(crate) fn open(target: Target) -> Self {
        let Target {
            config,
            setup,
            quick,
            token,
            page_is_named,
        } = target;
        let deadline = if quick { QUICK_QUESTION } else { QUESTION };
        let urls = match setup {
            Setup::Ml => vec![format!("http://{}", config.ml.addr)],
            Setup::Engine => Vec::new(),
            Setup::Up | Setup::Backend if page_is_named => vec![format!("http://{}", config.http.addr)],
            Setup::Up | Setup::Backend => PageUrls::noted(&config).links(""),
        };
        let ca = asking::authority(&config);
        let stranger = Client::new(deadline, ca.as_deref(), None);
        let answers = |url: &&String| {
            let answer = stranger.get(&format!("{url}/healthz"));
            answer.is_ok_and(|answer| answer.status == 200)
        };
        let service = urls.iter().find(answers).cloned();
        let own = || asking::admin_token(&config, service.as_deref()?);
        let client = Client::new(deadline, ca.as_deref(), token.or_else(own));
        Self {
            config,
            setup,
            client,
            service,
            urls,
        }
    }

    /// The answer of the running service to a question of the API, as JSON.
    pub(crate) fn ask(&self, path: &str) -> Result<Value, Unanswered> {
        let url = self.service.as_ref().ok_or(Unanswered::NothingRuns)?;
        let answer = self
            .client
            .get(&format!("{url}{path}"))
            .map_err(Unanswered::Broken)?;
        match answer.status {
            401 | 403 => Err(Unanswered::NotAllowed),
            // `/ready` has every part, whether all is well or not.
            200 | 503 => serde_json::from_str(&answer.text).map_err(|_| {
                Unanswered::Broken(format!("{path} is answered by something that is not Casement"))
            }),
            other => Err(Unanswered::Broken(format!("{path} is answered with {other}"))),
        }
    }

    /// Whether this role has a broker of its own.
    pub(crate) fn embeds_broker(&self) -> bool {
        self.setup == Setup::Up && self.config.embeds_broker()
    }

    /// Whether this role has an engine of its own.
    pub(crate) fn embeds_engine(&self) -> bool {
        self.setup == Setup::Engine || (self.setup == Setup::Up && self.config.embeds_engine())
    }

    /// The URL of ClickHouse, as this role uses it.
    pub(crate) fn clickhouse(&self) -> String {
        if self.embeds_engine() {
            format!("http://{}", self.config.engine.addr)
        } else {
            self.config.clickhouse.url()
        }
    }
}

/// Why the service did not answer a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// None runs.
    NothingRuns,
    /// It wants to know who asks.
    NotAllowed,
    /// It says something else, or nothing.
    Broken(String),
}

impl From<Unanswered> for super::Outcome {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::NothingRuns => Self::skipped("no service runs to be asked"),
            Unanswered::NotAllowed => Self::skipped(
                "the service wants to know who asks: set CASEMENT_TOKEN, or name --token-file (casement accounts token NAME)",
            ),
            Unanswered::Broken(reason) => Self::failed(
                format!("the service does not answer: {reason}"),
                "Look at its log; another program may listen at its address.",
            ),
        }
    }
}
