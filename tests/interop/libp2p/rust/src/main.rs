//! A rust-libp2p peer for interop tests; ../README.md says what each peer does.
//!
//!     peer listen                    peer dial MULTIADDR [BYTES]

use std::error::Error;
use std::time::{Duration, Instant};

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{identify, noise, ping, tcp, yamux, Multiaddr, PeerId, Stream, StreamProtocol, Swarm, SwarmBuilder};
use libp2p_stream::{Control, IncomingStreams};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{signal, SignalKind};

const SINK: StreamProtocol = StreamProtocol::new("/jamliquor/sink/1.0.0");
const SOURCE: StreamProtocol = StreamProtocol::new("/jamliquor/source/1.0.0");
const AGENT: &str = "jamliquor-peer/rust-libp2p-0.56.0";
const DEFAULT_BYTES: u64 = 16 << 20;
const PERIOD: usize = 1 << 16; // of the pattern
const PINGS: usize = 5;
const PING_INTERVAL: Duration = Duration::from_millis(20); // of a dialer; a listener keeps the library's own
const IDLE: Duration = Duration::from_secs(60);

type Failure = Box<dyn Error + Send + Sync>;

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    streams: libp2p_stream::Behaviour,
}

fn make_swarm(ping: ping::Config) -> Result<Swarm<Behaviour>, Failure> {
    Ok(SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|key| Behaviour {
            identify: identify::Behaviour::new(
                identify::Config::new("jamliquor/1.0.0".into(), key.public()).with_agent_version(AGENT.into()),
            ),
            ping: ping::Behaviour::new(ping),
            streams: libp2p_stream::Behaviour::new(),
        })?
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE))
        .build())
}

fn pattern() -> Vec<u8> {
    (0..PERIOD).map(|i| (i * 131 + (i >> 8)) as u8).collect()
}

fn pattern_hash(size: u64) -> [u8; 32] {
    let block = pattern();
    let mut hash = Sha256::new();
    for at in (0..size).step_by(PERIOD) {
        hash.update(&block[..(size - at).min(PERIOD as u64) as usize]);
    }
    hash.finalize().into()
}

async fn send_pattern(stream: &mut Stream, size: u64) -> std::io::Result<()> {
    let block = pattern();
    for at in (0..size).step_by(PERIOD) {
        stream.write_all(&block[..(size - at).min(PERIOD as u64) as usize]).await?;
    }
    stream.close().await // the writing side only
}

async fn read_to_end(stream: &mut Stream) -> std::io::Result<(u64, [u8; 32])> {
    let (mut hash, mut count, mut buffer) = (Sha256::new(), 0, vec![0; PERIOD]);
    loop {
        let size = stream.read(&mut buffer).await?;
        if size == 0 {
            return Ok((count, hash.finalize().into()));
        }
        hash.update(&buffer[..size]);
        count += size as u64;
    }
}

async fn serve_sink(mut stream: Stream) -> std::io::Result<()> {
    let (count, hash) = read_to_end(&mut stream).await?;
    stream.write_all(&count.to_be_bytes()).await?;
    stream.write_all(&hash).await?;
    stream.close().await
}

async fn serve_source(mut stream: Stream) -> std::io::Result<()> {
    let mut size = [0; 8];
    stream.read_exact(&mut size).await?;
    send_pattern(&mut stream, u64::from_be_bytes(size)).await
}

async fn serve_all<F>(mut incoming: IncomingStreams, serve: fn(Stream) -> F)
where
    F: std::future::Future<Output = std::io::Result<()>> + Send + 'static,
{
    while let Some((_, stream)) = incoming.next().await {
        tokio::spawn(async move {
            if let Err(error) = serve(stream).await {
                eprintln!("stream: {error}");
            }
        });
    }
}

async fn listen() -> Result<(), Failure> {
    let mut swarm = make_swarm(ping::Config::new())?;
    let mut control = swarm.behaviour().streams.new_control();
    tokio::spawn(serve_all(control.accept(SINK)?, serve_sink));
    tokio::spawn(serve_all(control.accept(SOURCE)?, serve_source));
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
    let mut terminated = signal(SignalKind::terminate())?;
    let parent = tokio::spawn(async {
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    });
    tokio::pin!(parent);
    loop {
        tokio::select! {
            _ = terminated.recv() => return Ok(()),
            _ = &mut parent => return Ok(()),
            event = swarm.select_next_some() => match event {
                SwarmEvent::NewListenAddr { address, .. } => println!("READY {address}/p2p/{}", swarm.local_peer_id()),
                SwarmEvent::IncomingConnectionError { error, .. } => eprintln!("incoming connection: {error}"),
                _ => (),
            },
        }
    }
}

async fn transfer(mut control: Control, peer: PeerId, size: u64) -> Result<serde_json::Value, Failure> {
    let expected = pattern_hash(size);

    let start = Instant::now();
    let mut stream = control.open_stream(peer, SINK).await?;
    send_pattern(&mut stream, size).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let sink_ok = answer == [&size.to_be_bytes()[..], &expected].concat();
    let sink_s = start.elapsed().as_secs_f64();

    let start = Instant::now();
    let mut stream = control.open_stream(peer, SOURCE).await?;
    stream.write_all(&size.to_be_bytes()).await?;
    stream.close().await?;
    let source_ok = read_to_end(&mut stream).await? == (size, expected);
    let source_s = start.elapsed().as_secs_f64();

    Ok(serde_json::json!({"sink_ok": sink_ok, "source_ok": source_ok, "sink_s": sink_s, "source_s": source_s}))
}

async fn dial(address: Multiaddr, size: u64) -> Result<(), Failure> {
    let Some(Protocol::P2p(peer)) = address.iter().last() else {
        return Err("the address names no peer".into());
    };
    let mut swarm = make_swarm(ping::Config::new().with_interval(PING_INTERVAL))?;
    let control = swarm.behaviour().streams.new_control();
    swarm.dial(address)?;
    let (mut identified, mut ping_ms, mut moved) = (None, Vec::new(), None);
    let mut transfer = Box::pin(transfer(control, peer, size));
    let mut connected = false;
    while identified.is_none() || ping_ms.len() < PINGS || moved.is_none() {
        tokio::select! {
            // Bulk goes last, so that the times of the pings are not those of a busy connection.
            result = &mut transfer, if identified.is_some() && ping_ms.len() >= PINGS && moved.is_none() => {
                moved = Some(result?);
            }
            event = swarm.select_next_some() => match event {
                SwarmEvent::ConnectionEstablished { .. } => connected = true,
                SwarmEvent::OutgoingConnectionError { error, .. } => return Err(error.into()),
                SwarmEvent::ConnectionClosed { cause, .. } if connected => {
                    return Err(format!("the connection is closed: {cause:?}").into());
                }
                SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received { info, .. })) => {
                    identified = Some(info);
                }
                SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Error { error, .. })) => {
                    return Err(format!("identify: {error}").into());
                }
                SwarmEvent::Behaviour(BehaviourEvent::Ping(ping::Event { result, .. })) => {
                    ping_ms.push(result?.as_secs_f64() * 1e3);
                }
                _ => (),
            },
        }
    }
    ping_ms.truncate(PINGS);
    let (Some(info), Some(mut report)) = (identified, moved) else { unreachable!() };
    let protocols: Vec<_> = info.protocols.iter().map(|name| name.to_string()).collect();
    report["agent"] = info.agent_version.into();
    report["protocols"] = protocols.into();
    report["ping_ms"] = ping_ms.into();
    println!("{report}");
    match report["sink_ok"] == true && report["source_ok"] == true {
        true => Ok(()),
        false => Err("what came is not what was sent".into()),
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["listen"] => listen().await,
        ["dial", address, ref size @ ..] if size.len() < 2 => match (address.parse(), size.first().map_or(Ok(DEFAULT_BYTES), |n| n.parse())) {
            (Ok(address), Ok(size)) => dial(address, size).await,
            _ => Err("no multiaddr or no number".into()),
        },
        _ => Err("usage: peer listen | peer dial MULTIADDR [BYTES]".into()),
    };
    if let Err(error) = &done {
        eprintln!("peer: {}", error.to_string().replace('\n', " "));
    }
    // Not by returning: a thread that reads standard input cannot be woken.
    std::process::exit(if done.is_ok() { 0 } else { 1 });
}
