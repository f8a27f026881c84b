//! The process: where it listens, what all calls share, and how it ends.

use std::{
    future::IntoFuture as _,
    io,
    net::{SocketAddr, TcpListener},
    ops::RangeInclusive,
    sync::{Arc, OnceLock, atomic::AtomicU64},
    time::Duration,
};

use axum::serve::ListenerExt as _;
use duplex_runtime::{CallOptions, Engine, EngineError};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};

use crate::{refusal::Refusal, routes};

/// Samples per second that a peer may send and play.
pub const RATES: RangeInclusive<u32> = 8_000..=48_000;

/// How long a call waits for another one that is just ending.
const HANDOVER: Duration = Duration::from_secs(1);

/// How long connections get to end once the process was told to.
const GRACE: Duration = Duration::from_secs(5);

/// How calls are taken.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where to listen; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// Whether to listen to other machines. Nobody is asked who they are.
    pub allow_remote: bool,
    /// Calls at once; the engine must have a place for each.
    pub max_calls: usize,
    /// A call in which the peer sends nothing for so long is over.
    pub idle: Duration,
    /// Sound that is waited for before any of it is heard, against a network's jitter.
    pub lead: Duration,
    /// How each call is held.
    pub call: CallOptions,
}

/// Why calls are not, or no longer, taken.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Whoever reaches the address could call.
    #[error(
        "{0} can be reached from other machines, and nobody would be asked who they are: \
         that must be allowed"
    )]
    Remote(SocketAddr),
    /// The address cannot be listened at.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The models were not loaded.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system failed while calls were taken.
    #[error("calls cannot be taken any more: {0}")]
    Io(#[from] io::Error),
}

/// Ends a [`Server`] from another thread, or from a signal handler. Clones end the same one.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(watch::Sender<bool>);

impl Shutdown {
    /// Takes no more calls and ends those that are being held.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Until somebody does.
    pub(crate) async fn stopped(&self) {
        // It cannot fail: this holds a sender.
        _ = self.0.subscribe().wait_for(|&stopped| stopped).await;
    }
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) options: ServerOptions,
    pub(crate) shutdown: Shutdown,
    /// For the log.
    pub(crate) calls: AtomicU64,
    engine: OnceLock<Arc<Engine>>,
    places: Arc<Semaphore>,
}

impl Shared {
    /// The models, once they are loaded.
    pub(crate) fn engine(&self) -> Result<Arc<Engine>, Refusal> {
        self.engine.get().cloned().ok_or(Refusal::Loading)
    }

    /// A place for a call, free again when it is dropped.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let place = timeout(HANDOVER, Arc::clone(&self.places).acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or(Refusal::Busy(self.options.max_calls))
    }
}

/// Takes calls. See the crate's documentation.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    options: ServerOptions,
}

impl Server {
    /// Begins to listen; calls are taken by [`run`](Self::run).
    ///
    /// # Errors
    /// [`ServerError::Remote`] where the address is not of this machine alone and that was not
    /// allowed; [`ServerError::Listen`] where the system refuses it.
    pub fn bind(options: ServerOptions) -> Result<Self, ServerError> {
        let address = options.listen;
        if !address.ip().is_loopback() && !options.allow_remote {
            return Err(ServerError::Remote(address));
        }
        let listen = || {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) =
            listen().map_err(|source| ServerError::Listen { address, source })?;
        Ok(Self { listener, address, options })
    }

    /// Where it listens, with the port that was found free.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Loads the models and takes calls until `shutdown` says so. Then open calls are ended with a
    /// close frame, and it returns once they are, or after five seconds.
    ///
    /// # Errors
    /// The models cannot be loaded, or the system fails.
    pub fn run(
        self,
        load: impl FnOnce() -> Result<Arc<Engine>, EngineError> + Send + 'static,
        shutdown: &Shutdown,
    ) -> Result<(), ServerError> {
        // A connection costs little: the calls have threads of their own.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let served = runtime.block_on(self.serve(load, shutdown.clone()));
        // What still loads or has not ended in time is not waited for.
        runtime.shutdown_background();
        served
    }

    async fn serve(
        self,
        load: impl FnOnce() -> Result<Arc<Engine>, EngineError> + Send + 'static,
        shutdown: Shutdown,
    ) -> Result<(), ServerError> {
        let places = self.options.max_calls;
        let shared = Arc::new(Shared {
            options: self.options,
            shutdown: shutdown.clone(),
            calls: AtomicU64::new(1),
            engine: OnceLock::new(),
            places: Arc::new(Semaphore::new(places)),
        });
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let service = routes::routes(Arc::clone(&shared));
        // A message is due when it is sent: it must not wait for the one before to be confirmed.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::warn!("messages may be late: {error}");
            }
        });
        let serving = axum::serve(listener, service).with_graceful_shutdown({
            let shutdown = shutdown.clone();
            async move { shutdown.stopped().await }
        });
        let serving = tokio::spawn(serving.into_future());
        let loaded = tokio::select! {
            loaded = tokio::task::spawn_blocking(load) => loaded
                .unwrap_or_else(|error| Err(EngineError::Thread(error.to_string()))),
            // Nobody can have called yet.
            () = shutdown.stopped() => return Ok(()),
        };
        let failed = match loaded {
            Ok(engine) => {
                tracing::info!(
                    "the models are ready after {:.1} s",
                    engine.info().ready.as_secs_f32()
                );
                shared.engine.get_or_init(|| engine);
                None
            }
            Err(error) => {
                shutdown.stop();
                Some(error)
            }
        };
        let served = tokio::select! {
            // Only an error ends it before it is told to.
            served = serving => served.map_err(io::Error::other)?.map(|()| GRACE),
            () = async {
                shutdown.stopped().await;
                tokio::time::sleep(GRACE).await;
            } => Ok(Duration::ZERO),
        };
        // Calls have left the HTTP server's hands, so it did not wait for them.
        let everybody = shared.places.acquire_many(u32::try_from(places).unwrap_or(u32::MAX));
        let left = served.as_ref().copied().unwrap_or(GRACE);
        if timeout(left, everybody).await.is_err() {
            tracing::warn!("a call did not end in time");
        }
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(served.map(|_| ())?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(listen: &str, allow_remote: bool) -> ServerOptions {
        ServerOptions {
            listen: listen.parse().unwrap(),
            allow_remote,
            max_calls: 1,
            idle: Duration::from_secs(1),
            lead: Duration::from_millis(40),
            call: CallOptions::default(),
        }
    }

    #[test]
    fn only_this_machine_is_listened_to_unless_others_are_allowed() {
        for address in ["0.0.0.0:0", "[::]:0"] {
            let error = Server::bind(options(address, false)).unwrap_err();
            assert!(matches!(error, ServerError::Remote(_)), "{address}: {error}");
        }
        assert!(Server::bind(options("127.0.0.2:0", false)).is_ok());
        assert!(Server::bind(options("0.0.0.0:0", true)).is_ok());
    }

    #[test]
    fn an_address_in_use_is_named() {
        let first = Server::bind(options("127.0.0.1:0", false)).unwrap();
        let taken = first.address().to_string();
        let error = Server::bind(options(&taken, false)).unwrap_err();
        assert!(matches!(error, ServerError::Listen { .. }));
        assert!(error.to_string().contains(&taken), "{error}");
    }
}
