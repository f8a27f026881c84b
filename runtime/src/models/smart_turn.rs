//! smart-turn: whether a turn is over, by its sound.

use std::path::PathBuf;

use ::duplex_model::endpoint::EndOfTurn;

use crate::ports::{
    CallKey, ModelOptions, Port, PortError, TurnPrediction, TurnPredictor, TurnQuestion,
};

struct SmartTurn(EndOfTurn);

impl Port for SmartTurn {}

impl TurnPredictor for SmartTurn {
    fn predict(
        &mut self,
        _call: CallKey,
        question: TurnQuestion<'_>,
    ) -> Result<Option<f32>, PortError> {
        match question {
            TurnQuestion::IsOver(audio) => Ok(Some(self.0.probability(audio)?)),
            TurnQuestion::IsIdle(_) => Ok(None),
        }
    }
}

/// The acoustic end-of-turn model in this file (ONNX).
pub fn smart_turn(model: PathBuf, threads: usize) -> ModelOptions<TurnPrediction> {
    ModelOptions::<TurnPrediction>::one(move |serve| {
        serve(&mut SmartTurn(EndOfTurn::load(&model, threads)?));
        Ok(())
    })
}
