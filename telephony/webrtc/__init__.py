"""Calls from browsers and apps over WebRTC (docs/webrtc.md). aiortc is the extra `webrtc`."""
