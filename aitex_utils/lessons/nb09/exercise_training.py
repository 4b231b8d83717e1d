"""Exercise 09.7: the training loop of an autoencoder."""

from __future__ import annotations

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .training import compared_value, loop, tiny_training, train

TRAIN = Exercise(
    id="09.7",
    task="One step per batch of crops, and the list of losses.",
    reference=train,
    cases=lambda: [tiny_training(4), tiny_training(3, seed=1)],
    tolerance=1e-4,
    observe=compared_value,
    returns="a list",
    mistakes=(
        Mistake(
            "gradients added up",
            "PyTorch adds each new gradient to the previous one. Call `optimizer.zero_grad()` in each step, before "
            "`loss.backward()`.",
            loop(clear="never"),
        ),
        Mistake(
            "weights never change",
            "The weights are the same after the training. Is `optimizer.step()` there? It needs the gradients of this "
            "batch, so `backward()` comes before it, with no `zero_grad()` in between.",
            loop(step="never"),
        ),
        Mistake(
            "both left in training mode",
            "The networks are still in training mode. Call `encoder.eval()` and `decoder.eval()` at the end: some "
            "layers work differently in evaluation mode.",
            loop(evaluated=(False, False)),
        ),
        Mistake(
            "decoder left in training mode",
            "The encoder is in evaluation mode, but the decoder is not: call `.eval()` on both.",
            loop(evaluated=(True, False)),
        ),
        Mistake(
            "encoder left in training mode",
            "The decoder is in evaluation mode, but the encoder is not: call `.eval()` on both.",
            loop(evaluated=(False, True)),
        ),
        Mistake(
            "trained in evaluation mode",
            "The networks come in evaluation mode. Call `encoder.train()` and `decoder.train()` before the loop.",
            loop(training=False),
        ),
        Mistake(
            "errors added",
            "The loss is the sum of the squared errors. The task asks for their mean, which does not depend on the "
            "number of pixels.",
            loop(loss="sum"),
        ),
        Mistake(
            "absolute errors",
            "The loss is the mean absolute error. The task asks for the mean squared error.",
            loop(loss="absolute"),
        ),
        Mistake(
            "compared with a grey image",
            "The reconstructions are compared with 0, the mean grey level. Compare them with the crops.",
            loop(loss="to a grey image"),
        ),
        Mistake(
            "tensors kept",
            "The list contains tensors, and each of them keeps its whole computation in memory. `loss.item()` gives "
            "the "
            "number alone.",
            loop(keep=lambda value: value),
        ),
        Mistake(
            "no report",
            "The training is right, but `after_step(losses)` is never called. Call it at the end of each step.",
            loop(report="never"),
        ),
        Mistake(
            "reported once",
            "The training is right, but `after_step(losses)` is called once, after the loop. Call it in each step.",
            loop(report="at the end"),
        ),
        Mistake(
            "reported too early",
            "`after_step(losses)` is called before the newest loss is in the list. Append the loss first.",
            loop(report="before the loss is kept"),
        ),
    ),
    hints=(
        "Before the loop, put both networks into training mode. In the loop, six lines: reconstruct and compute the "
        "loss, clear the gradients, compute them, step, keep the loss, report.",
        "`loss = F.mse_loss(decoder(encoder(crops)), crops)`, then `optimizer.zero_grad()`, `loss.backward()` and "
        "`optimizer.step()`, in this order.",
        "`losses.append(loss.item())`, then `after_step(losses)`. After the loop: `encoder.eval()`, `decoder.eval()`.",
    ),
    praise="This loop trains any autoencoder. For a variational autoencoder, only the computation of the loss changes.",
)
