package dev.parley.sdk;

import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** The threads that wait on a client's behalf: closing it interrupts them, and nothing else that they do. */
final class Waits {
    private final Set<Wait> begun = new HashSet<>();
    private boolean closed;

    /** What one thread does until {@code close}. */
    final class Wait implements AutoCloseable {
        private final Thread thread = Thread.currentThread();
        private final boolean patient;
        private boolean cut;

        private Wait(boolean patient) {
            this.patient = patient;
        }

        /** What becomes of an interruption: whose it was tells. */
        ParleyException ended(InterruptedException error) {
            synchronized (Waits.this) {
                return cut
                    ? new ConnectionFailedException("The client was closed", error)
                    : Transport.interrupted(error);
            }
        }

        @Override
        public void close() {
            synchronized (Waits.this) {
                begun.remove(this);
                if (cut) {
                    // It comes too late, and is not meant for what the thread does next.
                    Thread.interrupted();
                }
                Waits.this.notifyAll();
            }
        }
    }

    /** Lets this thread wait; {@code patient} is what goes on for a while when the client is closed. */
    synchronized Wait begin(boolean patient) {
        refuseIfClosed();
        Wait wait = new Wait(patient);
        begun.add(wait);
        return wait;
    }

    synchronized void refuseIfClosed() {
        if (closed) {
            throw new ConnectionFailedException("The client is closed", null);
        }
    }

    /** Ends all but the patient, and lets nobody begin. */
    synchronized void close() {
        closed = true;
        begun.stream().filter(wait -> !wait.patient).forEach(this::cut);
    }

    /** Ends the patient, too, and waits until nobody waits. */
    synchronized void end(Duration most) throws InterruptedException {
        begun.forEach(this::cut);
        long deadline = System.nanoTime() + most.toNanos();
        for (long left = most.toNanos(); !begun.isEmpty() && left > 0; left = deadline - System.nanoTime()) {
            // As long as that at least: none at all would be for ever.
            TimeUnit.NANOSECONDS.timedWait(this, Math.max(left, TimeUnit.MILLISECONDS.toNanos(1)));
        }
    }

    private void cut(Wait wait) {
        if (!wait.cut) {
            wait.cut = true;
            wait.thread.interrupt();
        }
    }
}
