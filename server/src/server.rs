//! Sets up the server from its options, serves, and shuts down gracefully.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::address_slots::AddressSlots;
use crate::agent_config::AgentConfig;
use crate::app::{self, App, Parts};
use crate::client_address::TrustedProxies;
use crate::connection::{self, Connections};
use crate::cors::{AllowedOrigins, Cors, Origin, loopback_origins};
use crate::embedded_files::EmbeddedFiles;
use crate::enforced_schema::EnforcedSchema;
use crate::environment::Environment;
use crate::gateway::gateway_error::GatewayError;
use crate::gateway::{Gateway, GatewayOptions};
use crate::options::Options;
use crate::outbound;
use crate::pages::{PageFiles, Pages};
use crate::secret_refresh::keep_fresh;
use crate::secret_sources::{HeldSecrets, SecretSources};
use crate::secret_text::SecretText;
use crate::signals::ReloadSignal;
use crate::start_error::StartError;
use crate::store::{Store, StoreError};
use crate::tasks::large_checks::LargeChecks;
use crate::tls;
use crate::tokens::{TokenSource, Tokens};
use crate::write_timeout::WriteTimeouts;
use crate::wrong_tokens::WrongTokens;

/// Concurrent connections that are refused with `503 draining`.
const MAX_LATE_CONNECTIONS: usize = 64;
/// Longest time to wait for these connections once all others are done, and for aborted ones to end.
const LATE_TIMEOUT: Duration = Duration::from_millis(500);
/// Longest time to wait for the store to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections that are told at a time that their address has too many.
const MAX_REFUSALS: usize = 32;
/// Maximum concurrent checks of large tasks, on a machine with as many cores. Each may take as much
/// memory as the violations of 1 MiB need.
const MAX_LARGE_CHECKS: usize = 8;
/// Pause after a failed `accept`, for example because file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Opens the store for these options.
pub type OpenStore = fn(&Options) -> Result<Store, StoreError>;

/// A server that listens but does not serve yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    scheme: &'static str,
    tls: Option<TlsAcceptor>,
    app: App,
    refresh: Option<(SecretSources, ReloadSignal)>,
    token_source: TokenSource,
    data_directory: Option<PathBuf>,
    max_connections: usize,
    address_slots: Arc<AddressSlots>,
    trusted_proxies: Arc<TrustedProxies>,
    header_timeout: Duration,
    write_timeouts: WriteTimeouts,
    drain_timeout: Duration,
}

impl Server {
    /// Reads the files named in the options, binds the address and opens the store. `environment` has
    /// the secrets of the environment.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn bind(
        options: &Options,
        environment: &Environment,
        open_store: OpenStore,
    ) -> Result<Self, StartError> {
        let agent_config = options
            .config
            .as_deref()
            .map(AgentConfig::read_for_start)
            .transpose()?;
        let mut sources = SecretSources::open(options, environment, agent_config.as_ref())?;
        let HeldSecrets { tokens, model_key } = sources.read().await?;
        // Before the announcement, because its reader may send the signal right away.
        let refresh = sources
            .can_change()
            .then(|| (sources, ReloadSignal::register()));
        let schema = EnforcedSchema::load(options.schema.as_deref()).map_err(|error| {
            StartError::Schema {
                file: options.schema.clone(),
                error,
            }
        })?;
        let tls = match (&options.tls_cert, &options.tls_key) {
            (Some(certificate), Some(key)) => Some(tls::acceptor(certificate, key)?),
            _ => None,
        };
        check_pages(options)?;
        let gateway = options
            .gateway_options()
            .map(|gateway| open_gateway(gateway, model_key.as_ref()))
            .transpose()?;

        let (listener, address) = listen(options, &tokens).await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        // Opened last, so that a server that fails to start creates no folder.
        let store = open_store(options).map_err(|error| StartError::Store {
            folder: options.data_directory(),
            error,
        })?;
        let data_directory = store.folder().map(Path::to_path_buf);
        let files = page_files(options);
        let pages = (files.is_some() || options.page_config.is_some()).then(|| Pages {
            files,
            config_file: options.page_config.clone(),
            vault: agent_config.and_then(|config| config.vault),
            gateway_model: options.model_name.clone(),
            origins: known_origins(options, scheme, address),
        });
        let token_source = tokens.source().clone();
        let app = App::new(Parts {
            rate_limit: options.rate_limit,
            store,
            schema: Arc::new(schema),
            tokens: RwLock::new(Arc::new(tokens)),
            is_loopback: address.ip().to_canonical().is_loopback(),
            wrong_tokens: WrongTokens::default(),
            cors: Arc::new(Cors::new(
                AllowedOrigins::new(scheme, address.port(), &options.allow_origins),
                gateway.is_some(),
            )),
            pages,
            gateway,
            large_checks: LargeChecks::new(
                std::thread::available_parallelism()
                    .map_or(1, usize::from)
                    .min(MAX_LARGE_CHECKS),
                options.check_timeout,
            ),
            body_timeout: options.body_timeout,
            draining: watch::Sender::new(false),
        });
        let trusted_proxies = TrustedProxies::new(&options.trusted_proxies);
        Ok(Self {
            listener,
            address,
            scheme,
            tls,
            app,
            refresh,
            token_source,
            data_directory,
            max_connections: usize::try_from(options.max_connections).unwrap_or(usize::MAX),
            address_slots: AddressSlots::new(
                usize::try_from(options.max_connections_per_address).unwrap_or(usize::MAX),
                trusted_proxies.clone(),
            ),
            trusted_proxies: Arc::new(trusted_proxies),
            header_timeout: options.header_timeout,
            write_timeouts: WriteTimeouts {
                pause: options.body_timeout,
                response: options.response_timeout,
            },
            drain_timeout: options.drain_timeout,
        })
    }

    /// A line for the operator with the server's address, the source of its tokens and the data
    /// folder. Contains no token except the default one.
    #[must_use]
    pub fn announcement(&self) -> String {
        let token = match &self.token_source {
            TokenSource::Default => "changeme (the default)".to_owned(),
            TokenSource::Lists(lists) => {
                let lists: Vec<String> = lists
                    .iter()
                    .map(|(name, place)| format!("{name} of {}", place.label()))
                    .collect();
                format!("from {}", lists.join(" and "))
            }
        };
        let tasks = self.data_directory.as_ref().map_or_else(
            || "tasks are not stored".to_owned(),
            |folder| format!("tasks in {}", folder.display()),
        );
        format!(
            "taskwright-server listening on {}://{}, token: {token}, {tasks}",
            self.scheme, self.address
        )
    }

    /// Serves until `stop` completes, then drains: requests in progress may finish within the drain
    /// timeout, and new ones get `503 draining`. All accepted tasks are stored before this returns,
    /// unless the disk does not respond within two more seconds.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let connections = Connections {
            router: app::router(&self.app),
            tls: self.tls,
            header_timeout: self.header_timeout,
            write_timeouts: self.write_timeouts,
            trusted_proxies: self.trusted_proxies,
            draining: self.app.draining(),
        };
        let refresh = self
            .refresh
            .map(|(sources, reload)| tokio::spawn(keep_fresh(sources, self.app.clone(), reload)));
        let mut stop = pin!(stop);
        let mut serving = JoinSet::new();
        let slots = Arc::new(Semaphore::new(self.max_connections));
        let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = accept(&self.listener, &slots) => {
                    if let Some((stream, peer, slot)) = accepted {
                        match self.address_slots.take(peer) {
                            Some(of_address) => {
                                let slots = (slot, of_address);
                                serving.spawn(serve(connections.clone(), stream, peer, slots));
                            }
                            None => refuse(&connections, stream, &refusals),
                        }
                    }
                }
                _ = serving.join_next(), if !serving.is_empty() => {}
            }
        }

        self.app.start_draining();
        let mut late = JoinSet::new();
        let late_slots = Arc::new(Semaphore::new(MAX_LATE_CONNECTIONS));
        let mut deadline = pin!(tokio::time::sleep(self.drain_timeout));
        loop {
            tokio::select! {
                () = &mut deadline => break,
                finished = serving.join_next() => if finished.is_none() { break },
                accepted = accept(&self.listener, &late_slots) => {
                    if let Some((stream, peer, slot)) = accepted {
                        late.spawn(serve(connections.clone(), stream, peer, slot));
                    }
                }
            }
        }
        drop(self.listener);
        // A check that runs on the thread of its connection cannot be interrupted.
        let _ = tokio::time::timeout(LATE_TIMEOUT, serving.shutdown()).await;
        let finished = async { while late.join_next().await.is_some() {} };
        // These requests are refused anyway; this only lets their clients read the response.
        let _ = tokio::time::timeout(LATE_TIMEOUT, finished).await;
        late.shutdown().await;
        drop(connections);
        if let Some(refresh) = refresh {
            refresh.abort();
            // It holds a clone of the application, which must be the last one to close the store.
            let _ = refresh.await;
        }
        self.app.close(CLOSE_TIMEOUT);
    }
}

/// Serves a connection that holds `slots` as long as it is open.
async fn serve(connections: Connections, stream: TcpStream, peer: IpAddr, slots: impl Send) {
    connections.serve(stream, peer).await;
    drop(slots);
}

/// Closes a connection, with a response if not too many others are being refused. A connection over
/// TLS gets none, because the handshake would cost more than serving the request.
fn refuse(connections: &Connections, stream: TcpStream, refusals: &Arc<Semaphore>) {
    tracing::debug!("too many connections from one address");
    if connections.tls.is_none()
        && let Ok(refusal) = Arc::clone(refusals).try_acquire_owned()
    {
        tokio::spawn(async move {
            connection::refuse(stream).await;
            drop(refusal);
        });
    }
}

/// Waits for a free slot, then for a connection; `None` if accepting failed.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer.ip(), slot)),
        Err(error) => {
            tracing::warn!(error = %error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn open_gateway(
    gateway: GatewayOptions,
    key: Option<&SecretText>,
) -> Result<Gateway, GatewayError> {
    if key.is_some() && !gateway.address.is_private() {
        tracing::warn!(
            "--model-endpoint is not https: whoever is on the way can read the key and the requests"
        );
    }
    Gateway::new(gateway, outbound::client()?, key)
}

fn check_pages(options: &Options) -> Result<(), StartError> {
    let index = options
        .static_dir
        .as_ref()
        .map(|folder| folder.join("index.html"));
    for file in [index, options.page_config.clone()].into_iter().flatten() {
        if !file.is_file() {
            return Err(StartError::Missing(file));
        }
    }
    Ok(())
}

/// The files of the page: those of `--static-dir`, or else those inside this program.
fn page_files(options: &Options) -> Option<PageFiles> {
    if options.no_page {
        return None;
    }
    match &options.static_dir {
        Some(folder) => Some(PageFiles::Folder(folder.clone())),
        None => EmbeddedFiles::page().map(PageFiles::Embedded),
    }
}

/// The origins of the server itself, and those that the operator named.
fn known_origins(options: &Options, scheme: &str, address: SocketAddr) -> Vec<Origin> {
    let listening = Origin::parse(&format!("{scheme}://{address}")).ok();
    let named = Origin::parse(&format!("{scheme}://{}:{}", options.host, address.port())).ok();
    listening
        .into_iter()
        .chain(named)
        .chain(loopback_origins(scheme, address.port()))
        .chain(options.allow_origins.iter().cloned())
        .collect()
}

async fn listen(
    options: &Options,
    tokens: &Tokens,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let listen_error = |error| StartError::Listen {
        host: options.host.clone(),
        port: options.port,
        error,
    };
    let host = options
        .host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(&options.host);
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, options.port))
        .await
        .map_err(listen_error)?
        .collect();
    // Checked before binding: a server with the default token must never listen on other addresses.
    let loopback = addresses
        .iter()
        .all(|address| address.ip().to_canonical().is_loopback());
    if tokens.include_default() && !loopback {
        return Err(StartError::DefaultToken {
            host: options.host.clone(),
        });
    }
    let mut last_error = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpListener::bind(address).await {
            Ok(listener) => {
                let address = listener.local_addr().map_err(listen_error)?;
                return Ok((listener, address));
            }
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                return Err(StartError::PortTaken { address });
            }
            Err(error) => last_error = error,
        }
    }
    Err(listen_error(last_error))
}
