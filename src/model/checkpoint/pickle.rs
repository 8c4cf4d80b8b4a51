//! Reads Python pickles of protocols 2 to 5 and executes nothing. A callable is only a name, and a call is only
//! recorded, with that name and its arguments; what they mean is up to the caller.
//!
//! Values are in one flat list and refer to each other by index, so that neither depth nor a cycle uses the call stack.
//! Every opcode takes at least one byte of input, and `CELLS_MAX` limits the values that opcodes make.

mod input;
mod step;

use thiserror::Error;

use input::Input;
use step::Step;

/// Most values and items of lists, tuples and dicts, all together.
const CELLS_MAX: usize = 1 << 21;
const STACK_MAX: usize = 1 << 20;

pub(super) type Id = u32;

pub(super) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    Text(&'a str),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    /// Key and value, in the order written; of equal keys the last counts. An `OrderedDict` is one too.
    Dict(Vec<(Id, Id)>),
    Global {
        module: &'a str,
        name: &'a str,
    },
    Call {
        callable: Id,
        arguments: Id,
    },
    Persistent(Id),
    /// A value that no weight file needs, which is not kept: a float, bytes, a set, a huge integer, an object.
    Opaque,
}

#[derive(Debug, Error)]
#[error("its pickle is refused at byte {at}: {problem}")]
pub(super) struct PickleError {
    at: usize,
    problem: String,
}

pub(super) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    pub root: Id,
    /// Bytes up to and with the STOP.
    pub len: usize,
}

impl<'a> Pickle<'a> {
    /// Reads the pickle that `bytes` begins with.
    pub fn read(bytes: &'a [u8]) -> Result<Self, PickleError> {
        let mut machine = Machine { input: Input::new(bytes), ..Machine::default() };
        match machine.run() {
            Ok(root) => Ok(Self { values: machine.values, root, len: machine.input.at }),
            Err(problem) => Err(PickleError { at: machine.opcode_at, problem }),
        }
    }

    pub fn value(&self, id: Id) -> &Value<'a> {
        &self.values[id as usize]
    }

    pub fn values(&self) -> impl Iterator<Item = &Value<'a>> {
        self.values.iter()
    }

    pub fn text(&self, id: Id) -> Option<&'a str> {
        match self.value(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn int(&self, id: Id) -> Option<i64> {
        match self.value(id) {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    pub fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.value(id) {
            Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    pub fn global(&self, id: Id) -> Option<(&'a str, &'a str)> {
        match self.value(id) {
            Value::Global { module, name } => Some((module, name)),
            _ => None,
        }
    }

    /// The last value of `dict` under `key`.
    pub fn get(&self, dict: &[(Id, Id)], key: &str) -> Option<Id> {
        dict.iter().rev().find(|(k, _)| self.text(*k) == Some(key)).map(|(_, value)| *value)
    }
}

#[derive(Default)]
struct Machine<'a> {
    input: Input<'a>,
    opcode_at: usize,
    values: Vec<Value<'a>>,
    cells: usize,
    stack: Vec<Id>,
    /// Heights of the stack at each open MARK.
    marks: Vec<usize>,
    memo: Vec<Option<Id>>,
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Step<Id> {
        if !self.input.left().starts_with(&[0x80]) {
            return Err("expected a pickle of protocol 2 to 5".into());
        }
        loop {
            self.opcode_at = self.input.at;
            match self.input.byte()? {
                b'.' => return self.pop(),
                opcode => self.step(opcode)?,
            }
        }
    }

    fn step(&mut self, opcode: u8) -> Step<()> {
        match opcode {
            0x80 => match self.input.byte()? {
                2..=5 => Ok(()),
                version => Err(format!("protocol {version}; expected 2 to 5")),
            },
            0x95 => self.input.frame(),
            b'(' => self.mark(),
            b'0' | b'1' | b'2' => self.stack_only(opcode),
            b'h' | b'j' => self.recall(opcode),
            b'q' | b'r' | 0x94 => self.memorise(opcode),
            b'N' | 0x88 | 0x89 | b'J' | b'K' | b'M' | b'G' | 0x8a | 0x8b => {
                let value = self.scalar(opcode)?;
                self.push(value)
            }
            b'X' | b'T' | b'U' | 0x8c | 0x8d | b'B' | b'C' | 0x8e | 0x96 => {
                let value = self.string(opcode)?;
                self.push(value)
            }
            b']' => self.push(Value::List(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            0x8f => self.push(Value::Opaque),
            b't' | b'l' | b'd' | 0x91 | b'o' => self.gather(opcode),
            0x85..=0x87 => self.short_tuple(opcode - 0x84),
            b'a' | b'e' | b's' | b'u' | 0x90 => self.extend(opcode),
            b'c' | 0x93 => self.global(opcode),
            b'R' | b'b' | 0x81 | 0x92 | b'Q' => self.object(opcode),
            _ => Err(format!("opcode 0x{opcode:02x} is not one that protocols 2 to 5 write for weights")),
        }
    }

    fn scalar(&mut self, opcode: u8) -> Step<Value<'a>> {
        Ok(match opcode {
            b'N' => Value::None,
            0x88 | 0x89 => Value::Bool(opcode == 0x88),
            b'J' => Value::Int(i32::from_le_bytes(self.input.array()?).into()),
            b'K' => Value::Int(self.input.byte()?.into()),
            b'M' => Value::Int(u16::from_le_bytes(self.input.array()?).into()),
            b'G' => {
                self.input.take(8)?;
                Value::Opaque
            }
            _ => self.input.integer(if opcode == 0x8a { 1 } else { 4 })?.map_or(Value::Opaque, Value::Int),
        })
    }

    fn string(&mut self, opcode: u8) -> Step<Value<'a>> {
        let width = match opcode {
            b'U' | 0x8c | b'C' => 1,
            0x8d | 0x8e | 0x96 => 8,
            _ => 4,
        };
        let bytes = self.input.counted(width)?;
        let is_bytes = matches!(opcode, b'B' | b'C' | 0x8e | 0x96);
        let text = std::str::from_utf8(bytes).ok().filter(|_| !is_bytes);
        Ok(text.map_or(Value::Opaque, Value::Text))
    }

    fn stack_only(&mut self, opcode: u8) -> Step<()> {
        match opcode {
            b'0' if self.marks.last() == Some(&self.stack.len()) => {
                self.marks.pop();
            }
            b'0' => {
                self.pop()?;
            }
            b'1' => {
                self.pop_mark()?;
            }
            _ => {
                let top = self.top()?;
                self.push_id(top)?;
            }
        }
        Ok(())
    }

    fn recall(&mut self, opcode: u8) -> Step<()> {
        let index = self.memo_index(opcode == b'j')?;
        let id = self.memo.get(index).copied().flatten().ok_or_else(|| format!("nothing was memorised as {index}"))?;
        self.push_id(id)
    }

    fn memorise(&mut self, opcode: u8) -> Step<()> {
        let index = if opcode == 0x94 { self.memo.len() } else { self.memo_index(opcode == b'r')? };
        // Memos are numbered in the order in which they are made, and each takes at least two bytes.
        if index > self.input.at {
            return Err(format!("memo {index}, more than the bytes so far"));
        }
        let top = self.top()?;
        self.memo.resize(self.memo.len().max(index + 1), None);
        self.memo[index] = Some(top);
        Ok(())
    }

    fn memo_index(&mut self, long: bool) -> Step<usize> {
        Ok(if long { u32::from_le_bytes(self.input.array()?) as usize } else { self.input.byte()?.into() })
    }

    /// Builds one value of everything above the last MARK.
    fn gather(&mut self, opcode: u8) -> Step<()> {
        let items = self.pop_mark()?;
        let value = match opcode {
            b't' => Value::Tuple(self.charged(items)?),
            b'l' => Value::List(self.charged(items)?),
            b'd' => Value::Dict(pairs(&self.charged(items)?)?),
            _ => Value::Opaque,
        };
        self.push(value)
    }

    fn short_tuple(&mut self, count: u8) -> Step<()> {
        let mut items = (0..count).map(|_| self.pop()).collect::<Step<Vec<_>>>()?;
        items.reverse();
        let items = self.charged(items)?;
        self.push(Value::Tuple(items))
    }

    /// Adds to the list, dict or set below.
    fn extend(&mut self, opcode: u8) -> Step<()> {
        let items = match opcode {
            b'a' => vec![self.pop()?],
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_mark()?,
        };
        let items = self.charged(items)?;
        let below = self.top()? as usize;
        match (&mut self.values[below], opcode) {
            (Value::List(list), b'a' | b'e') => list.extend(items),
            (Value::Dict(dict), b's' | b'u') => dict.extend(pairs(&items)?),
            // An object that is kept as a name, or a set: its items are never asked for.
            (Value::Call { .. } | Value::Opaque, _) => {}
            _ => return Err("items are added to a value that is not a list, dict or set".into()),
        }
        Ok(())
    }

    fn global(&mut self, opcode: u8) -> Step<()> {
        let (module, name) = if opcode == b'c' {
            (self.input.line()?, self.input.line()?)
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            match (&self.values[module as usize], &self.values[name as usize]) {
                (Value::Text(module), Value::Text(name)) => (*module, *name),
                _ => return Err("a class or function whose name is not text".into()),
            }
        };
        self.push(Value::Global { module, name })
    }

    fn object(&mut self, opcode: u8) -> Step<()> {
        if opcode == 0x92 {
            self.pop()?;
        }
        let arguments = self.pop()?;
        match opcode {
            // BUILD gives a state to the object below it, which is not kept.
            b'b' => self.top().map(|_| ()),
            b'Q' => self.push(Value::Persistent(arguments)),
            b'R' => {
                let callable = self.pop()?;
                let value = self.call(callable, arguments)?;
                self.push(value)
            }
            _ => {
                self.pop()?;
                self.push(Value::Opaque)
            }
        }
    }

    /// A call is recorded, not made; only an `OrderedDict` becomes the dict that later opcodes fill.
    fn call(&mut self, callable: Id, arguments: Id) -> Step<Value<'a>> {
        let Value::Global { module: "collections", name: "OrderedDict" } = self.values[callable as usize] else {
            return Ok(Value::Call { callable, arguments });
        };
        // Python 2 hands the items over as a list of pairs.
        let mut items = Vec::new();
        if let Value::Tuple(arguments) = &self.values[arguments as usize]
            && let Some(Value::List(list)) = arguments.first().map(|id| &self.values[*id as usize])
        {
            // The same list may be handed over many times, so its length is charged before it is walked.
            self.cells += 2 * list.len();
            check_cells(self.cells)?;
            for pair in list {
                match &self.values[*pair as usize] {
                    Value::List(pair) | Value::Tuple(pair) if pair.len() == 2 => items.push((pair[0], pair[1])),
                    _ => return Err("an OrderedDict of items that are not pairs".into()),
                }
            }
        }
        Ok(Value::Dict(items))
    }

    fn mark(&mut self) -> Step<()> {
        if self.marks.len() >= STACK_MAX {
            return Err(format!("more than {STACK_MAX} open marks"));
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn push(&mut self, value: Value<'a>) -> Step<()> {
        self.cells += 1;
        check_cells(self.cells)?;
        self.values.push(value);
        self.push_id((self.values.len() - 1) as Id)
    }

    fn push_id(&mut self, id: Id) -> Step<()> {
        if self.stack.len() >= STACK_MAX {
            return Err(format!("more than {STACK_MAX} values on the stack"));
        }
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Step<Id> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn top(&self) -> Step<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack[floor..].last().copied().ok_or_else(|| "the stack is empty".into())
    }

    fn pop_mark(&mut self) -> Step<Vec<Id>> {
        let height = self.marks.pop().ok_or("no MARK is open")?;
        // Not split_off, which may keep the whole stack's capacity with every tuple.
        Ok(self.stack.drain(height..).collect())
    }

    fn charged(&mut self, items: Vec<Id>) -> Step<Vec<Id>> {
        self.cells += items.len();
        check_cells(self.cells)?;
        Ok(items)
    }
}

fn check_cells(cells: usize) -> Step<()> {
    if cells <= CELLS_MAX { Ok(()) } else { Err(format!("more than {CELLS_MAX} values")) }
}

fn pairs(items: &[Id]) -> Step<Vec<(Id, Id)>> {
    match items.as_chunks::<2>() {
        (pairs, []) => Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect()),
        _ => Err("a key without a value".into()),
    }
}
