//! The line editor: keys, history, completion and colours together.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use reedline::{
    ColumnarMenu, EditCommand, Emacs, KeyCode, KeyModifiers, MenuBuilder, Prompt, PromptEditMode, PromptHistorySearch,
    PromptHistorySearchStatus, Reedline, ReedlineEvent, ReedlineMenu, Signal, ValidationResult, Validator,
    default_emacs_keybindings,
};

use super::super::console::Console;
use super::catalogue::Catalogue;
use super::complete::Offers;
use super::highlight::Colours;
use super::history;
use super::input::Input;
use crate::error::{Error, Result};

const MENU: &str = "completions";

/// What the user did at the prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Statements or commands, finished.
    Text(String),
    /// Nothing that is to be run: Ctrl-C cleared the line.
    Nothing,
    /// Ctrl-D.
    End,
    /// The program was told to end.
    Ended,
}

/// A line editor.
pub struct Editor {
    reedline: Reedline,
}

impl Editor {
    /// An editor that knows the names of `catalogue` and leaves the prompt when `ended` becomes true.
    pub fn new(catalogue: Arc<Catalogue>, ended: Arc<AtomicBool>, console: Console) -> Self {
        let mut keys = default_emacs_keybindings();
        let complete = vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext];
        keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, ReedlineEvent::UntilFound(complete));
        keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
        let new_line = ReedlineEvent::Edit(vec![EditCommand::InsertNewline]);
        keys.add_binding(KeyModifiers::ALT, KeyCode::Enter, new_line);
        let menu = ColumnarMenu::default().with_name(MENU);
        let coloured = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let reedline = Reedline::create()
            .with_history(history::open(console))
            // As in other shells, a line that begins with a space is not kept.
            .with_history_exclusion_prefix(Some(" ".to_owned()))
            .with_validator(Box::new(Whole))
            .with_highlighter(Box::new(Colours::new(Arc::clone(&catalogue))))
            .with_completer(Box::new(Offers::new(catalogue)))
            .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
            .with_quick_completions(true)
            .with_partial_completions(true)
            .with_edit_mode(Box::new(Emacs::new(keys)))
            .with_ansi_colors(coloured)
            .with_break_signal(ended)
            .use_bracketed_paste(true);
        Self { reedline }
    }

    /// Lets the user type until a statement or command is finished.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn read(&mut self) -> Result<Typed> {
        let signal =
            self.reedline.read_line(&Sign).map_err(|e| Error::input("the terminal cannot be read").source(e))?;
        Ok(match signal {
            Signal::Success(text) => {
                // A history that cannot be written is no reason to stop.
                _ = self.reedline.sync_history();
                Typed::Text(text)
            }
            Signal::CtrlC => Typed::Nothing,
            Signal::CtrlD => Typed::End,
            _ => Typed::Ended,
        })
    }
}

/// Enter ends what is finished and begins a new line otherwise.
struct Whole;

impl Validator for Whole {
    fn validate(&self, text: &str) -> ValidationResult {
        let mut input = Input::new();
        input.push(text);
        while input.next().is_some() {}
        let word = ["exit", "quit", "help"].contains(&text.trim().to_lowercase().as_str());
        if input.is_open() && !word { ValidationResult::Incomplete } else { ValidationResult::Complete }
    }
}

/// The prompt.
struct Sign;

impl Prompt for Sign {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed("rolecall")
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("> ")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("      -> ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let failing = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "not ",
        };
        Cow::Owned(format!(" ({failing}found: {}) ", search.term))
    }
}
