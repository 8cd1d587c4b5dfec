//! The cart of the virtual board: plays frames into vivid's HDMI output, from which its HDMI input takes them.
//!
//! usage: `play_exam CAPTURE_NODE OUTPUT_NODE FRAMES`
//!
//! *FRAMES* is a file or disk of raw frames. Reads one order a line from stdin and answers each in one line, `done SECONDS` by the
//! system's clock or `error ...`. Without a new order the last frame is sent on and on, as a cart does.
//!
//! - `mode WIDTHxHEIGHTpRATE FOURCC OFFSET`: from now on the cart sends this, the frame at byte OFFSET until it is given others
//! - `play OFFSET N...`: frames number N of those that begin at byte OFFSET, each once, the last one held. Answered once the last
//!   one is on the cable
//! - `lose`: the cable is pulled
//!
//! Deliberately absent: anything of the program under test. The capture node is only told what signal it sees.

use std::{
    env,
    error::Error,
    fs,
    io::{self, BufRead, Write as _},
    path::Path,
    sync::mpsc::{Receiver, TryRecvError, sync_channel},
    thread,
    time::{Duration, SystemTime},
};

mod node;

use node::{BUFFERS, Mode, Node, Output};

/// Orders that may wait.
const ORDERS_MAX: usize = 4;
/// How often orders are looked for while there is no signal.
const IDLE: Duration = Duration::from_millis(5);

/// What vivid's capture node calls its controls.
const SIGNAL: &str = "DV Timings Signal Mode";

struct Cart {
    capture: Node,
    output: Option<Output>,
    /// All frames, so that none waits for a disk.
    frames: Vec<u8>,
    frame_bytes: usize,
    /// The frame that is held: where it begins.
    held: usize,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [capture, output, frames] = arguments.as_slice() else { return Err("usage: CAPTURE OUTPUT FRAMES".into()) };
    let capture = Node::open(Path::new(capture))?;
    capture.set("Loop Video", 1)?;
    capture.choose("OSD Text Mode", "None")?;
    let mut cart = Cart { capture, output: None, frames: fs::read(frames)?, frame_bytes: 0, held: 0 };
    cart.lose()?;
    say("done")?;
    let orders = listen();
    loop {
        match orders.try_recv() {
            Ok(order) => match cart.obey(&order, Path::new(output)) {
                Ok(()) => say("done")?,
                Err(error) => say(&format!("error {order}: {error}"))?,
            },
            Err(TryRecvError::Empty) => cart.hold()?,
            Err(TryRecvError::Disconnected) => return Ok(()),
        }
    }
}

/// Prints an answer with the time.
fn say(what: &str) -> io::Result<()> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut out = io::stdout().lock();
    writeln!(out, "{what} {:.6}", now.as_secs_f64())?;
    out.flush()
}

/// Hands on the lines of stdin.
fn listen() -> Receiver<String> {
    let (sender, orders) = sync_channel(ORDERS_MAX);
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    orders
}

impl Cart {
    fn obey(&mut self, order: &str, output: &Path) -> Outcome<()> {
        let words: Vec<&str> = order.split_whitespace().collect();
        match words.as_slice() {
            ["mode", mode, fourcc, offset] => {
                self.held = offset.parse()?;
                self.send(parse_mode(mode)?, fourcc.as_bytes().try_into()?, output)
            }
            ["play", offset, numbers @ ..] if !numbers.is_empty() => {
                let numbers: Vec<usize> = numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>()?;
                self.play(offset.parse()?, &numbers)
            }
            ["lose"] => self.lose(),
            _ => Err("no such order".into()),
        }
    }

    /// Begins to send a mode; the capture node is told of it as by a bridge chip: an event, and timings to be asked for.
    fn send(&mut self, mode: Mode, fourcc: [u8; 4], output: &Path) -> Outcome<()> {
        self.output = None;
        let (output, frame_bytes) = Node::open(output)?.send(mode, fourcc)?;
        self.frame_bytes = frame_bytes;
        if self.held.saturating_add(frame_bytes) > self.frames.len() {
            return Err("there are not so many frames".into());
        }
        self.output = Some(output);
        self.capture.choose("DV Timings", &mode.name())?;
        self.capture.choose(SIGNAL, "Selected DV Timings")?;
        Ok(())
    }

    fn play(&mut self, offset: usize, numbers: &[usize]) -> Outcome<()> {
        let begins = |number: usize| number.checked_mul(self.frame_bytes)?.checked_add(offset);
        let begins: Option<Vec<usize>> = numbers.iter().map(|&number| begins(number)).collect();
        let begins =
            begins.filter(|all| all.iter().all(|&at| at.saturating_add(self.frame_bytes) <= self.frames.len()));
        for at in begins.ok_or("there are not so many frames")? {
            self.held = at;
            self.hold()?;
        }
        for _ in 1..BUFFERS {
            self.hold()?;
        }
        Ok(())
    }

    /// Sends the frame that is held once more, or waits a little where there is no signal.
    fn hold(&mut self) -> io::Result<()> {
        match &mut self.output {
            Some(output) => output.write(&self.frames[self.held..][..self.frame_bytes], self.held),
            None => {
                thread::sleep(IDLE);
                Ok(())
            }
        }
    }

    /// Pulls the cable.
    fn lose(&mut self) -> Outcome<()> {
        self.output = None;
        Ok(self.capture.choose(SIGNAL, "No Signal")?)
    }
}

fn parse_mode(text: &str) -> Outcome<Mode> {
    let (width, rest) = text.split_once('x').ok_or("a mode is WIDTHxHEIGHTpRATE")?;
    let (height, rate) = rest.split_once('p').ok_or("a mode is WIDTHxHEIGHTpRATE")?;
    Ok(Mode { width: width.parse()?, height: height.parse()?, frames_per_s: rate.parse()? })
}
