//! The server: where it listens, what all calls share, and how it ends.

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

/// Sample rates that a peer may use, in Hz.
pub const RATES: RangeInclusive<u32> = 8_000..=48_000;

/// How long a call waits for another one that is just ending.
const HANDOVER: Duration = Duration::from_secs(1);

/// How long connections have to end at a shutdown.
const GRACE: Duration = Duration::from_secs(5);

/// Options of a server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where to listen; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// Whether other machines may connect. There is no authentication.
    pub allow_remote: bool,
    /// Calls at once; the engine must have a slot for each.
    pub max_calls: usize,
    /// A call in which the peer sends nothing for this long ends.
    pub idle: Duration,
    /// Audio of the peer that is buffered before any of it is heard, against network jitter.
    pub lead: Duration,
    /// Options of each call.
    pub call: CallOptions,
}

/// Why the server cannot take calls, or no longer can.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Other machines can reach the address, and that was not allowed.
    #[error(
        "{0} can be reached from other machines, and there is no authentication: \
         that must be allowed"
    )]
    Remote(SocketAddr),
    /// The server cannot listen at the address.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// The models were not loaded.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system failed while the server took calls.
    #[error("calls cannot be taken any more: {0}")]
    Io(#[from] io::Error),
}

/// Ends a [`Server`] from another thread, or from a signal handler. Clones end the same one.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(watch::Sender<bool>);

impl Shutdown {
    /// Takes no more calls, and ends those that are running.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Waits for [`stop`](Self::stop).
    pub(crate) async fn stopped(&self) {
        // It cannot fail: this holds a sender.
        _ = self.0.subscribe().wait_for(|&stopped| stopped).await;
    }
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) options: ServerOptions,
    pub(crate) shutdown: Shutdown,
    /// Number of the next call, for the log.
    pub(crate) calls: AtomicU64,
    engine: OnceLock<Arc<Engine>>,
    places: Arc<Semaphore>,
}

impl Shared {
    /// The engine, once the models are loaded.
    pub(crate) fn engine(&self) -> Result<Arc<Engine>, Refusal> {
        self.engine.get().cloned().ok_or(Refusal::Loading)
    }

    /// A slot for a call, free again when it is dropped.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let place = timeout(HANDOVER, Arc::clone(&self.places).acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or(Refusal::Busy(self.options.max_calls))
    }
}

/// Takes calls over WebSockets. See the crate's documentation.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    options: ServerOptions,
}

impl Server {
    /// Begins to listen; [`run`](Self::run) takes the calls.
    ///
    /// # Errors
    /// [`ServerError::Remote`] if other machines can reach the address and that was not allowed;
    /// [`ServerError::Listen`] if the system refuses the address.
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

    /// The address at which it listens, with the actual port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Loads the models and takes calls until `shutdown` is stopped. It then ends the open calls
    /// with a close frame, and returns once they have ended, after ten seconds at most.
    ///
    /// # Errors
    /// The models cannot be loaded, or the system fails.
    pub fn run(
        self,
        load: impl FnOnce() -> Result<Arc<Engine>, EngineError> + Send + 'static,
        shutdown: &Shutdown,
    ) -> Result<(), ServerError> {
        // One thread is enough for connections: the calls have threads of their own.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let served = runtime.block_on(self.serve(load, shutdown.clone()));
        // Whatever is still loading or has not ended in time is not waited for.
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
        // Disables Nagle's algorithm: a message must not wait until the one before is acknowledged.
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
            // There can be no call yet.
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
            // Before a shutdown, only an error ends it.
            served = serving => served.map_err(io::Error::other)?.map(|()| GRACE),
            () = async {
                shutdown.stopped().await;
                tokio::time::sleep(GRACE).await;
            } => Ok(Duration::ZERO),
        };
        // The calls have left the HTTP server, so it did not wait for them.
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
