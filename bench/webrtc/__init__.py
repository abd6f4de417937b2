"""What a call over WebRTC costs more than one over the bare WebSocket: time and CPU."""
