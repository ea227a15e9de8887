// Runs a Pico's firmware in rp2040js, with the parts of the board that rp2040js has not: a flash chip that can be written,
// a ring oscillator, a reset, two lines to the outside.
//
//   node run.mjs PARAMETERS      a JSON object: see `wanted` below. Exit status 3: the firmware hit a fault.
//
// The console is USB's serial port. Both lines connect to Unix sockets that somebody listens on. The board's clock never
// runs ahead of ours when `realtime` is set; it falls behind while the board computes, for the emulator is slower. So it
// is written to the file `clock`, eight bytes, for who talks to the board and has deadlines.

import fs from 'node:fs';
import net from 'node:net';
import { randomFillSync } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const wanted = {
  rp2040js: 'string', // its folder
  rom: 'string', // our boot ROM, rom.bin
  firmware: 'string', // the UF2 file's pages, in one piece from the start of the flash on
  disk: 'string', // the flash behind the firmware; what the board writes is written to this file
  diskAt: 'number', // where in flash it begins
  console: 'string', // a Unix socket
  uart: 'string', // another, for UART0; empty for none
  realtime: 'boolean',
  clock: 'string', // a file that holds the board's milliseconds since it was first switched on; empty for none
  entropy: 'boolean', // false: the ring oscillator stands still
};
const is = JSON.parse(process.argv[2]);
for (const [name, type] of Object.entries(wanted)) {
  if (typeof is[name] !== type) throw new Error(`${name}: a ${type} is needed`);
}
const { BasePeripheral, FIFO, RP2040, USBCDC } = await import(pathToFileURL(`${is.rp2040js}/dist/esm/index.js`));

const FLASH = 0x10000000;
const SECTOR_BYTES = 4096;
const NANOS_A_CYCLE = 8; // 125 MHz
const NANOS_A_BYTE = 86_806; // of a serial line at 115,200 baud: ten bits
const FIFO_BYTES = 32; // of a UART, in each direction
const SLICE_CYCLES = 400_000; // between two looks at the sockets
const AHEAD_MS = 2; // so much the board's clock may be ahead before we wait
const IDLE_MS = 50; // the longest wait
const [ROSC, WATCHDOG, UART0] = [0x40060, 0x40058, 0x40034];
const [RANDOMBIT, STATUS] = [0x1c, 0x18];
const STABLE = 0x80001000;
const [UARTDR, TXFF, TXFE, TXINTR] = [0, 1 << 5, 1 << 7, 1 << 5];
const [ERASE, PROGRAM] = [1, 2]; // numbers of breakpoints in rom.S

// The ring oscillator: one bit of chance each time one looks.
class RingOscillator extends BasePeripheral {
  pool = Buffer.alloc(4096);
  at = 4096 * 8;
  readUint32(offset) {
    if (offset === STATUS) return STABLE;
    if (offset !== RANDOMBIT || !is.entropy) return 0;
    if (this.at === this.pool.length * 8) {
      randomFillSync(this.pool);
      this.at = 0;
    }
    return (this.pool[this.at >> 3] >> (this.at++ & 7)) & 1;
  }
  writeUint32() {}
}

// UART0 that takes the time of its line to send, and asks for more when its FIFO is half empty. (rp2040js sends at once, and
// asks without end.)
const pacedUart = (chip) => {
  const plain = chip.uart[0];
  class PacedUart extends plain.constructor {
    sending = new FIFO(FIFO_BYTES);
    sent = chip.clock.createAlarm(() => {
      this.onByte(this.sending.pull());
      if (this.sending.itemCount <= FIFO_BYTES / 2) this.interruptStatus |= TXINTR;
      if (!this.sending.empty) this.sent.schedule(NANOS_A_BYTE);
      this.checkInterrupts();
    });
    get flags() {
      const { empty, full } = this.sending;
      return (super.flags & ~TXFE) | (empty ? TXFE : 0) | (full ? TXFF : 0);
    }
    checkInterrupts() {
      chip.setInterrupt(this.irq, !!(this.interruptStatus & this.interruptMask));
    }
    writeUint32(offset, value) {
      if (offset !== UARTDR) return super.writeUint32(offset, value);
      if (this.sending.empty) this.sent.schedule(NANOS_A_BYTE);
      this.sending.push(value & 0xff);
    }
  }
  return new PacedUart(chip, plain.name, plain.irq, plain.dreq);
};

// Bytes on their way to the board.
class Queue {
  chunks = [];
  push(chunk) {
    if (chunk.length) this.chunks.push(chunk);
  }
  get empty() {
    return !this.chunks.length;
  }
  take(most) {
    const chunk = this.chunks[0];
    const part = chunk.subarray(0, most);
    if (part.length < chunk.length) this.chunks[0] = chunk.subarray(most);
    else this.chunks.shift();
    return part;
  }
}

const disk = fs.openSync(is.disk, 'r+');
const clockFile = is.clock ? fs.openSync(is.clock, 'r+') : -1;
const rom = new Uint32Array(new Uint8Array(fs.readFileSync(is.rom)).buffer);

class Board {
  toConsole = new Queue();
  toUart = new Queue();
  fromConsole = [];
  fromUart = [];
  cycles = 0; // executed, over all resets
  before = 0; // nanoseconds up to the last reset

  start(reason) {
    const old = this.chip;
    if (old) this.before += old.clock.nanos;
    const chip = (this.chip = new RP2040());
    chip.logger = { debug() {}, info() {}, warn() {}, error: (name, text) => process.stderr.write(`${name}: ${text}\n`) };
    chip.loadBootrom(rom);
    if (old) {
      chip.flash.set(old.flash);
    } else {
      chip.flash.set(fs.readFileSync(is.firmware));
      chip.flash.set(fs.readFileSync(is.disk), is.diskAt);
    }
    chip.peripherals[ROSC] = new RingOscillator(chip, 'ROSC');
    const watchdog = chip.peripherals[WATCHDOG];
    watchdog.reason = reason;
    if (old) watchdog.scratchData.set(old.peripherals[WATCHDOG].scratchData);
    watchdog.onWatchdogTrigger = () => (this.resetBy = watchdog.reason);
    this.resetBy = 0;
    chip.onBreak = (code) => this.serve(code);

    const usb = chip.usbCtrl;
    const cdc = new USBCDC(usb);
    this.room = 0; // the device waits for so many bytes
    cdc.onSerialData = (data) => this.fromConsole.push(Buffer.from(data));
    usb.onEndpointRead = (endpoint, size) => {
      if (endpoint === cdc.outEndpoint) this.room = size;
      this.feedConsole();
    };
    this.cdc = cdc;

    const uart = (chip.uart[0] = chip.peripherals[UART0] = pacedUart(chip));
    uart.onByte = (byte) => this.fromUart.push(byte);
    this.uartAlarm = chip.clock.createAlarm(() => this.feedUart());
    this.uartRuns = false;
    chip.core.PC = FLASH;
    this.skewFrom();
  }

  feedConsole() {
    if (!this.room || this.toConsole.empty) return;
    const data = new Uint8Array(this.toConsole.take(this.room));
    this.room = 0;
    this.chip.usbCtrl.endpointReadDone(this.cdc.outEndpoint, data);
  }

  // One byte each time the line would bring one; a FIFO that is full loses it, as the chip's does.
  feedUart() {
    this.uartRuns = !this.toUart.empty;
    if (!this.uartRuns) return;
    const [byte] = this.toUart.take(1);
    if (this.chip.uart[0].enabled) this.chip.uart[0].feedByte(byte);
    this.uartAlarm.schedule(NANOS_A_BYTE);
  }

  serve(code) {
    const { flash } = this.chip;
    const [at, second, size] = this.chip.core.registers;
    if (code === ERASE) {
      flash.fill(0xff, at, at + second);
      this.keep(at, second);
    } else if (code === PROGRAM) {
      for (let i = 0; i < size; i++) flash[at + i] &= this.chip.readUint8(second + i);
      this.keep(at, size);
    } else {
      this.tell(`breakpoint ${code}`);
      process.exit(3);
    }
  }

  // Where the processor is.
  tell(what) {
    const { LR, PC, SP, waiting } = this.chip.core;
    const places = `pc ${PC.toString(16)} lr ${LR.toString(16)} sp ${SP.toString(16)}`;
    const ms = Math.round(this.chip.clock.nanos / 1e6);
    process.stderr.write(`${what}: ${places}, ${waiting ? 'waiting, ' : ''}${this.cycles} cycles, ${ms} ms\n`);
  }

  keep(at, size) {
    const from = Math.max(at, is.diskAt);
    if (at + size > from) fs.writeSync(disk, this.chip.flash, from, at + size - from, from - is.diskAt);
  }

  // How far the board's clock is ahead of ours, in ms, and a new beginning where it is behind.
  skewFrom() {
    this.from = performance.now() - this.chip.clock.nanos / 1e6;
  }
  get aheadMs() {
    const ahead = this.chip.clock.nanos / 1e6 - (performance.now() - this.from);
    if (ahead < 0) this.skewFrom();
    return ahead;
  }

  showClock() {
    if (clockFile < 0) return;
    const now = Buffer.alloc(8);
    now.writeBigUInt64LE(BigInt(Math.floor((this.before + this.chip.clock.nanos) / 1e6)));
    fs.writeSync(clockFile, now, 0, now.length, 0);
  }

  // Runs for a slice; how long to wait in ms before the next.
  run() {
    const { core, clock } = this.chip;
    if (!this.uartRuns) this.feedUart();
    this.feedConsole();
    for (let left = SLICE_CYCLES; left > 0; ) {
      if (core.waiting) {
        const nanos = clock.nanosToNextAlarm;
        const ahead = is.realtime ? this.aheadMs : 0;
        if (!clock.nextAlarm || ahead > AHEAD_MS) return Math.min(clock.nextAlarm ? ahead : IDLE_MS, IDLE_MS);
        clock.tick(nanos);
        left -= nanos / NANOS_A_CYCLE / 100;
      } else {
        const cycles = core.executeInstruction();
        clock.tick(cycles * NANOS_A_CYCLE);
        this.cycles += cycles;
        left -= cycles;
      }
      if (this.resetBy) {
        this.start(this.resetBy);
        return 0;
      }
    }
    return 0;
  }
}

const board = new Board();
let wake = () => {};

function line(path, queue) {
  if (!path) return null;
  const socket = net.connect(path);
  socket.on('data', (data) => {
    queue.push(data);
    wake();
  });
  socket.on('error', () => process.exit(0));
  socket.on('close', () => process.exit(0));
  return socket;
}

const consoleLine = line(is.console, board.toConsole);
const uartLine = line(is.uart, board.toUart);
board.start(0);
process.on('SIGUSR2', () => board.tell('asked'));
for (;;) {
  const waitMs = board.run();
  board.showClock();
  if (board.fromConsole.length) consoleLine.write(Buffer.concat(board.fromConsole.splice(0)));
  if (board.fromUart.length && uartLine) uartLine.write(Buffer.from(board.fromUart.splice(0)));
  await new Promise((resolve) => {
    wake = resolve;
    if (waitMs >= 1) setTimeout(resolve, waitMs);
    else setImmediate(resolve);
  });
}
