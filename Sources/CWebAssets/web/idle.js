// Locks after so many minutes in which nobody touched the page.

const SIGNS = ["keydown", "pointerdown", "wheel"];

export class IdleTimer {
    constructor(onIdle) {
        this.onIdle = onIdle;
        this.touch = this.touch.bind(this);
    }

    start(minutes) {
        this.stop();
        this.minutes = minutes;
        for (const sign of SIGNS) addEventListener(sign, this.touch, { passive: true });
        this.touch();
    }

    touch() {
        clearTimeout(this.timer);
        if (this.minutes) this.timer = setTimeout(this.onIdle, this.minutes * 60_000);
    }

    stop() {
        this.minutes = null;
        clearTimeout(this.timer);
        for (const sign of SIGNS) removeEventListener(sign, this.touch);
    }
}
